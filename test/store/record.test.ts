import type { IncomingDelivery, Reading, StoredDelivery } from '../../src/domain/delivery';
import { GatewayError } from '../../src/domain/errors';
import type { Store } from '../../src/store/store';
import { bytesOf, query } from '../support/databases';
import { openTestStore, stateOf } from './open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from './provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

function minutesLater(minutes: number): Date {
  return new Date(NOW.getTime() + minutes * 60_000);
}

async function log(store: Store) {
  const { changes } = await store.read.tail(0, 1_000, {});
  return changes;
}

async function dispositions(store: Store, deliveries: readonly IncomingDelivery[]) {
  const told: string[] = [];
  for (const one of deliveries) {
    const { disposition, duplicate } = await store.record(one);
    told.push(duplicate ? `${disposition} again` : disposition);
  }
  return told;
}

describe('record', () => {
  it('returns APPLIED, UNCHANGED, STALE, IGNORED or QUARANTINED', async () => {
    const { store } = await openTestStore();
    const received = await dispositions(
      store,
      [
        sumsub('applicantCreated', {}, 1),
        sumsub('applicantReviewed', green, 5),
        sumsub('applicantWorkflowCompleted', green, 6),
        sumsub('applicantPending', { reviewStatus: 'pending' }, 3),
        sumsub('applicantTagsChanged', green, 7),
        sumsub(
          'applicantReviewed',
          { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'PURPLE' } },
          8,
        ),
      ].map((body) => delivery('sumsub', body, NOW)),
    );
    expect(received).toEqual([
      'APPLIED',
      'APPLIED',
      'UNCHANGED',
      'STALE',
      'IGNORED',
      'QUARANTINED',
    ]);
  });

  it('counts a duplicate and does not apply it', async () => {
    const { store } = await openTestStore();
    const one = delivery('sumsub', sumsub('applicantCreated', {}, 1), NOW);
    expect(await dispositions(store, [one, one, one])).toEqual([
      'APPLIED',
      'APPLIED again',
      'APPLIED again',
    ]);
    const [row] = await store.read.deliveriesByIds([1]);
    expect(row).toMatchObject({ duplicates: 2, disposition: 'APPLIED' });
    expect(await log(store)).toHaveLength(1);
  });

  it('applies a delivery once that arrives 100 times at the same instant', async () => {
    const { store } = await openTestStore();
    const one = delivery('p100', p100('user-1', 'VERIFIED', 'SUCCESSFUL'), NOW);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => store.record(one)));
    expect(outcomes.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(outcomes.map(({ deliveryId }) => deliveryId)).size).toBe(1);
    const [row] = await store.read.deliveriesByIds([1]);
    expect(row).toMatchObject({ duplicates: 99 });
    expect(await log(store)).toHaveLength(1);
  });

  it('detects a duplicate after a restart', async () => {
    const opened = await openTestStore();
    const one = delivery(
      'fractal-id',
      fractalId('verification_approved', 'basic', 'user-1', 1),
      NOW,
    );
    await opened.store.record(one);
    const again = await (await opened.reopen()).record(one);
    expect(again).toMatchObject({ duplicate: true, deliveryId: 1 });
  });

  it.each([
    ['dated', 'sumsub', sumsub('applicantCreated', {}, 1)],
    ['undated', 'p100', p100('user-1', 'VERIFIED', 'SUCCESSFUL')],
    ['unreadable', 'sumsub', 'unreadable'],
  ])(
    'detects a duplicate of a delivery that is %s after a change of the master key',
    async (_, provider, body) => {
      const opened = await openTestStore();
      const one = delivery(provider, body, NOW);
      await opened.store.record(one);
      const old = { id: 'test', key: Buffer.alloc(32, 7) };
      const newer = { id: 'newer', key: Buffer.alloc(32, 9) };
      const store = await opened.reopen({ dataKeys: [newer, old] });
      expect(await store.record(one)).toMatchObject({ duplicate: true, deliveryId: 1 });
      const again = await opened.reopen({ dataKeys: [newer, old] });
      expect(await again.record(one)).toMatchObject({ duplicate: true, deliveryId: 1 });
    },
  );

  it('treats a delivery without a timestamp as a duplicate only if consecutive and within ten minutes', async () => {
    const { store } = await openTestStore();
    const pending = p100('user-1', 'NOT_VERIFIED', 'PENDING');
    const rejected = p100('user-1', 'NOT_VERIFIED', 'REJECTED_BY_PROVIDER');
    const received = await dispositions(store, [
      delivery('p100', rejected, minutesLater(0)),
      delivery('p100', rejected, minutesLater(9)),
      delivery('p100', rejected, minutesLater(11)),
      delivery('p100', pending, minutesLater(12)),
      delivery('p100', rejected, minutesLater(13)),
    ]);
    expect(received).toEqual(['APPLIED', 'APPLIED again', 'UNCHANGED', 'APPLIED', 'APPLIED']);
    const [user] = await store.read.attemptsOf(
      [1],
      {},
      { field: 'STARTED_AT', direction: 'ASC' },
      { first: 10 },
    );
    expect(user?.rows.map(({ row }) => row.status)).toEqual(['REJECTED', 'REJECTED']);
  });

  it('stores a delivery with the provider’s key of another delivery but other content', async () => {
    const { store } = await openTestStore();
    const red = {
      reviewStatus: 'completed',
      reviewResult: { reviewAnswer: 'RED', reviewRejectType: 'FINAL' },
    };
    const received = await dispositions(store, [
      delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW),
      delivery('sumsub', sumsub('applicantReviewed', red, 1), NOW),
    ]);
    expect(received).toEqual(['APPLIED', 'APPLIED']);
    const user = await store.read.userByIdentity('sumsub', 'applicant-1');
    expect(user?.verificationStatus).toBe('NOT_VERIFIED');
  });

  describe('of deliveries without a timestamp around an unreadable one', () => {
    const verified = p100('user-1', 'VERIFIED', 'SUCCESSFUL');
    const unmapped = p100('user-1', 'NOT_VERIFIED', 'A_WORD_TO_COME');
    const learnt = (kept: StoredDelivery): Reading =>
      delivery(
        'p100',
        kept.rawBody.toString().replace('A_WORD_TO_COME', 'PENDING'),
        kept.receivedAt,
      ).reading;
    const replay = (store: Store) =>
      store.replay({
        selection: { disposition: 'QUARANTINED' },
        dryRun: false,
        changeActor: 'test',
        auditActor: 'test',
        now: NOW,
        reread: learnt,
      });

    it('applies the second one, because the unreadable one may contain another status', async () => {
      const { store } = await openTestStore();
      const received = await dispositions(store, [
        delivery('p100', verified, minutesLater(0)),
        delivery('p100', verified, minutesLater(1)),
        delivery('p100', unmapped, minutesLater(2)),
        delivery('p100', verified, minutesLater(3)),
        delivery('p100', verified, minutesLater(4)),
      ]);
      expect(received).toEqual([
        'APPLIED',
        'APPLIED again',
        'QUARANTINED',
        'UNCHANGED',
        'UNCHANGED again',
      ]);
    });

    it('stores each unreadable one, regardless of the deliveries before and after', async () => {
      const { store } = await openTestStore();
      const received = await dispositions(store, [
        delivery('p100', unmapped, minutesLater(0)),
        delivery('p100', unmapped, minutesLater(1)),
        delivery('p100', verified, minutesLater(2)),
        delivery('p100', unmapped, minutesLater(3)),
        delivery('p100', unmapped, minutesLater(14)),
      ]);
      expect(received).toEqual([
        'QUARANTINED',
        'QUARANTINED again',
        'APPLIED',
        'QUARANTINED',
        'QUARANTINED',
      ]);
      const { dispositionChanges } = await replay(store);
      expect(dispositionChanges.map(({ deliveryId }) => deliveryId)).toEqual([1, 3, 4]);
      const user = await store.read.userByExternalId('user-1');
      expect(user?.verificationStatus).toBe('NOT_VERIFIED');
    });

    it('distinguishes them if all arrive at one instant', async () => {
      const { store } = await openTestStore();
      const outcomes = await Promise.all(
        [verified, unmapped, verified, unmapped, unmapped].map((body) =>
          store.record(delivery('p100', body, NOW)),
        ),
      );
      expect(outcomes.map(({ deliveryId }) => deliveryId)).toEqual([1, 2, 3, 4, 4]);
    });

    it('ignores unreadable deliveries of other providers', async () => {
      const { store } = await openTestStore();
      const received = await dispositions(store, [
        delivery('p100', verified, minutesLater(0)),
        delivery('sumsub', 'unreadable', minutesLater(1)),
        delivery('p100', verified, minutesLater(2)),
        delivery('sumsub', 'unreadable', minutesLater(3)),
      ]);
      expect(received).toEqual(['APPLIED', 'QUARANTINED', 'APPLIED again', 'QUARANTINED again']);
    });
  });

  it('applies a change of an email address and its reversal', async () => {
    const { store } = await openTestStore();
    const mail = (email: string) => ({ type: 'email_changed', data: { user_id: 'user-1', email } });
    const received = await dispositions(store, [
      delivery('fractal-id', mail('a@example.test'), minutesLater(0)),
      delivery('fractal-id', mail('b@example.test'), minutesLater(1)),
      delivery('fractal-id', mail('b@example.test'), minutesLater(2)),
      delivery('fractal-id', mail('a@example.test'), minutesLater(3)),
    ]);
    expect(received).toEqual(['APPLIED', 'APPLIED', 'APPLIED again', 'APPLIED']);
    expect(await store.read.profilesOf([1])).toEqual([{ email: 'a@example.test' }]);
    expect(await log(store)).toEqual([]);
  });

  it('quarantines a delivery dated years ahead and does not change the user', async () => {
    const { store } = await openTestStore();
    const far = {
      ...sumsub('applicantReviewed', green, 1),
      createdAtMs: '2099-01-01 00:00:00.000',
    };
    expect(await store.record(delivery('sumsub', far, NOW))).toMatchObject({
      disposition: 'QUARANTINED',
    });
    const [row] = await store.read.deliveriesByIds([1]);
    expect(row).toMatchObject({ reason: expect.stringContaining('CLOCK_SKEW') });
    expect(await store.read.userByIdentity('sumsub', 'applicant-1')).toBeNull();
  });

  it('stores the body byte for byte for each disposition', async () => {
    const { store } = await openTestStore();
    const odd = '{ "type" : "applicantCreated",\n "createdAtMs": "never" }  ';
    await store.record(delivery('sumsub', odd, NOW));
    await store.record(delivery('sumsub', '\u0000 not json', NOW));
    await store.record(delivery('sumsub', sumsub('applicantCreated', {}, 1), NOW));
    const bodies = await store.read.rawBodiesOf([1, 2, 3, 4]);
    expect(bodies[0]?.toString()).toBe(odd);
    expect(bodies[1]?.toString()).toBe('\u0000 not json');
    expect(JSON.parse(String(bodies[2]))).toMatchObject({ applicantId: 'applicant-1' });
    expect(bodies[3]).toBeNull();
  });

  it('stores a credential before its holder is known', async () => {
    const { store } = await openTestStore();
    const shared = {
      type: 'credential_shared',
      data: {
        idos_human_id: 'human-1',
        credential_id: 'credential-1',
        shared_at: '2024-01-01T00:00:00Z',
      },
    };
    expect(await dispositions(store, [delivery('fractal-id', shared, NOW)])).toEqual(['APPLIED']);
    expect(await store.read.countUsers({})).toBe(0);
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await store.linkIdentity({
      provider: 'fractal-id',
      subjectRef: 'human-1',
      userId,
      changeActor: 'test',
      auditActor: 'test',
      now: NOW,
    });
    expect(await store.read.credentialsOf([userId])).toMatchObject([
      [{ credentialRef: 'credential-1' }],
    ]);
  });
});

describe('two deliveries in any order', () => {
  const shared = (holder: string, second: number) =>
    delivery(
      'fractal-id',
      {
        type: 'credential_shared',
        data: {
          idos_human_id: holder,
          credential_id: 'credential-1',
          shared_at: `2024-01-01T00:00:0${second}Z`,
        },
      },
      NOW,
    );
  const action = delivery(
    'sumsub',
    sumsub('applicantActionPending', { applicantActionId: 'a', reviewStatus: 'pending' }, 1),
    NOW,
  );
  const level = delivery(
    'sumsub',
    sumsub('applicantReviewed', { ...green, applicantId: 'applicant-2' }, 2),
    NOW,
  );

  it.each([
    [
      'keep the latest statement about a credential',
      [shared('human-1', 1), shared('human-2', 2)],
      '"human-2"',
    ],
    [
      'keep one of two statements about a credential at one instant',
      [shared('human-1', 1), shared('human-2', 1)],
      '"human-',
    ],
    ['keep the kind ACTION of a level', [action, level], '"ACTION"'],
  ])('%s', async (_, deliveries, expected) => {
    const forward = await openTestStore();
    await dispositions(forward.store, deliveries);
    const backward = await openTestStore();
    await dispositions(backward.store, [...deliveries].reverse());
    const state = await stateOf(forward.database);
    expect(await stateOf(backward.database)).toBe(state);
    expect(state).toContain(expected);
  });
});

describe('the change log', () => {
  it('contains the values before and after, each entry continuing the last one', async () => {
    const { store } = await openTestStore();
    await dispositions(store, [
      delivery('sumsub', sumsub('applicantPending', { reviewStatus: 'pending' }, 1), NOW),
      delivery('sumsub', sumsub('applicantReviewed', green, 2), NOW),
      delivery('sumsub', sumsub('applicantReset', { reviewStatus: 'init' }, 3), NOW),
    ]);
    const entries = await log(store);
    expect(
      entries.map((entry) => [
        entry.previousAttemptStatus,
        entry.attemptStatus,
        entry.previousLevelStatus,
        entry.levelStatus,
        entry.previousVerificationStatus,
        entry.verificationStatus,
      ]),
    ).toEqual([
      [null, 'IN_PROGRESS', null, 'NOT_VERIFIED', 'NOT_VERIFIED', 'NOT_VERIFIED'],
      ['IN_PROGRESS', 'APPROVED', 'NOT_VERIFIED', 'VERIFIED', 'NOT_VERIFIED', 'VERIFIED'],
      ['APPROVED', 'CANCELLED', 'VERIFIED', 'VERIFIED', 'VERIFIED', 'VERIFIED'],
      [null, 'PENDING', 'VERIFIED', 'NOT_VERIFIED', 'VERIFIED', 'NOT_VERIFIED'],
    ]);
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(entries.map(({ cause }) => cause.deliveryId)).toEqual([1, 2, 3, 3]);
    expect(entries[1]?.occurredAt).toBe('2024-01-01T00:00:00.002000000Z');
  });

  it('includes a deactivation of an identity for subscribers to its provider', async () => {
    const { store } = await openTestStore();
    await dispositions(store, [
      delivery('sumsub', sumsub('applicantCreated', { externalUserId: 'customer-1' }, 1), NOW),
      delivery('p100', p100('customer-1', 'VERIFIED', 'SUCCESSFUL'), NOW),
      delivery('sumsub', sumsub('applicantDeactivated', {}, 2), NOW),
      delivery('sumsub', sumsub('applicantActivated', {}, 3), NOW),
    ]);
    const { changes } = await store.read.tail(2, 1_000, { provider: 'sumsub' });
    expect(changes).toMatchObject([
      { previousActive: true, active: false, attemptId: null, levelKey: null },
      { previousActive: false, active: true, attemptId: null, levelKey: null },
    ]);
  });

  it('has no gaps and continuous entries per user after thousands of concurrent deliveries', async () => {
    const { store } = await openTestStore();
    const words = ['verification_inputs_completed', 'rejected', 'verified', 'reviewNeeded'];
    await Promise.all(
      Array.from({ length: 2_000 }, (_, index) =>
        store.record(
          delivery(
            'paycaddy',
            paycaddy(words[index % 4] ?? '', `user-${index % 37}`, (index * 7919) % 10_007),
            NOW,
          ),
        ),
      ),
    );
    const entries: Awaited<ReturnType<typeof log>>[number][] = [];
    for (let after = 0; ; ) {
      const { changes, scannedTo } = await store.read.tail(after, 500, {});
      entries.push(...changes);
      if (scannedTo.seq === after) break;
      after = scannedTo.seq;
    }
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    const left = new Map<number, string>();
    for (const entry of entries) {
      expect(entry.previousVerificationStatus).toBe(left.get(entry.userId) ?? 'NOT_VERIFIED');
      left.set(entry.userId, entry.verificationStatus);
    }
    const users = await store.read.usersByIds([...left.keys()]);
    for (const user of users) expect(user?.verificationStatus).toBe(left.get(user?.id ?? 0));
  });
});

describe('a delivery that the database rejects', () => {
  /** Creates a delivery with an event that violates a NOT NULL constraint. */
  function poison(): IncomingDelivery {
    const valid = delivery('sumsub', sumsub('applicantCreated', {}, 1), NOW);
    if (valid.reading.kind !== 'EVENTS') throw new Error('expected events');
    const events = valid.reading.events.map((event) => ({
      ...event,
      providerStatus: null as never,
    }));
    return { ...valid, reading: { ...valid.reading, duplicateKey: 'poison', events } };
  }

  it('is stored and does not affect other deliveries in its group', async () => {
    const { store } = await openTestStore();
    const neighbours = Array.from({ length: 20 }, (_, index) =>
      delivery(
        'sumsub',
        sumsub('applicantCreated', { applicantId: `applicant-${index + 10}` }, 1),
        NOW,
      ),
    );
    const outcomes = await Promise.all(
      [...neighbours.slice(0, 10), poison(), ...neighbours.slice(10)].map((one) =>
        store.record(one),
      ),
    );
    expect(outcomes.map(({ disposition }) => disposition)).toEqual([
      ...Array.from({ length: 10 }, () => 'APPLIED'),
      'QUARANTINED',
      ...Array.from({ length: 10 }, () => 'APPLIED'),
    ]);
    expect(await store.read.countUsers({})).toBe(20);
    const [kept] = await store.read.rawBodiesOf([outcomes[10]?.deliveryId ?? 0]);
    expect(kept?.toString()).toContain('applicantCreated');
  });
});

describe('a delivery that an internal error prevented from being applied', () => {
  it.each([
    ['sumsub', sumsub('applicantReviewed', green, 1)],
    ['p100', p100('user-1', 'VERIFIED', 'SUCCESSFUL')],
  ])('is applied when %s sends it again after the fix', async (provider, body) => {
    const { store } = await openTestStore();
    const valid = delivery(provider, body, NOW);
    if (valid.reading.kind !== 'EVENTS') throw new Error('expected events');
    const events = valid.reading.events.map((event) => ({
      ...event,
      providerStatus: null as never,
    }));
    const received = await dispositions(store, [
      { ...valid, reading: { ...valid.reading, events } },
      { ...valid, reading: { ...valid.reading, events } },
      valid,
      valid,
    ]);
    expect(received).toEqual(['QUARANTINED', 'QUARANTINED again', 'APPLIED', 'APPLIED again']);
    const [user] = await store.read.usersByIds([1]);
    expect(user?.verificationStatus).toBe('VERIFIED');

    const before = await log(store);
    const replayed = await store.replay({
      selection: { disposition: 'QUARANTINED' },
      dryRun: false,
      changeActor: 'test',
      auditActor: 'test',
      now: NOW,
      reread: () => valid.reading,
    });
    expect(replayed.dispositionChanges).toMatchObject([{ deliveryId: 1, after: 'UNCHANGED' }]);
    expect(await log(store)).toEqual(before);
  });
});

describe('the database file', () => {
  it('contains no digests that allow guessing personal data', async () => {
    const mail = { type: 'email_changed', data: { user_id: 'user-2', email: 'a@example.test' } };
    const received = [
      delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW),
      delivery('fractal-id', mail, NOW),
      delivery('paycaddy', 'unreadable', NOW),
    ];
    const kept: string[][] = [];
    for (const { store, database } of [await openTestStore(), await openTestStore()]) {
      for (const one of received) await store.record(one);
      const bytes = await bytesOf(database);
      for (const { reading } of received) expect(bytes.includes(reading.duplicateKey)).toBe(false);
      const rows = await query<{ key: string }>(
        database,
        'SELECT duplicate_key AS key FROM deliveries UNION ALL SELECT key FROM events',
      );
      kept.push(rows.map(({ key }) => key));
    }
    expect(kept[0]).toHaveLength(6);
    expect(kept[0]?.filter((key) => kept[1]?.includes(key))).toEqual([]);
  });

  it('contains no personal data in plaintext', async () => {
    const { store, database } = await openTestStore();
    await store.record(
      delivery(
        'paycaddy',
        { ...paycaddy('verified', 'user-1', 1), fullName: 'Invented Wintergreen' },
        NOW,
      ),
    );
    await store.record(
      delivery(
        'fractal-id',
        { type: 'email_changed', data: { user_id: 'user-2', email: 'winter@example.test' } },
        NOW,
      ),
    );
    const bytes = (await bytesOf(database)).toString('latin1');
    expect(bytes).toContain('user-1');
    expect(bytes).not.toContain('Wintergreen');
    expect(bytes).not.toContain('winter@example.test');
    expect(await store.read.profilesOf([1, 2])).toEqual([
      { fullName: 'Invented Wintergreen', age: '33' },
      { email: 'winter@example.test' },
    ]);
  });

  it('encrypts data with a key per identity, encrypted with the current master key', async () => {
    const { store, database } = await openTestStore();
    await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
    await store.record(delivery('paycaddy', paycaddy('verified', 'user-2', 1), NOW));
    await store.record(delivery('paycaddy', 'unreadable', NOW));
    const keys = await query<{ data_key: Buffer; data_key_id: string }>(
      database,
      'SELECT data_key, data_key_id FROM identity_keys',
    );
    expect(keys.map(({ data_key_id }) => data_key_id)).toEqual(['test', 'test']);
    expect(keys[0]?.data_key.equals(keys[1]?.data_key ?? Buffer.alloc(0))).toBe(false);
    const bodies = await query(
      database,
      'SELECT identity_id, body_key_id FROM deliveries ORDER BY id',
    );
    expect(bodies).toEqual([
      { identity_id: 1, body_key_id: null },
      { identity_id: 2, body_key_id: null },
      { identity_id: null, body_key_id: 'test' },
    ]);
  });

  it('is readable after a rotation of the master key, and new data uses the new key', async () => {
    const opened = await openTestStore();
    await opened.store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
    const old = { id: 'test', key: Buffer.alloc(32, 7) };
    const store = await opened.reopen({
      dataKeys: [{ id: 'newer', key: Buffer.alloc(32, 9) }, old],
    });
    await store.record(delivery('paycaddy', paycaddy('verified', 'user-2', 1), NOW));
    expect(await store.read.profilesOf([1, 2])).toMatchObject([{ age: '33' }, { age: '33' }]);
    const keys = await query(
      opened.database,
      'SELECT data_key_id FROM identity_keys ORDER BY identity_id',
    );
    expect(keys).toEqual([{ data_key_id: 'test' }, { data_key_id: 'newer' }]);
  });

  it.each([
    ['lacks', { id: 'newer', key: Buffer.alloc(32, 9) }],
    ['has another key for', { id: 'test', key: Buffer.alloc(32, 9) }],
  ])('prevents the start if the configuration %s the ID of its master key', async (_, key) => {
    const opened = await openTestStore();
    await opened.store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
    await expect(opened.reopen({ dataKeys: [key] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await opened.reopen();
  });
});

describe('a closed store', () => {
  it('rejects deliveries with STORE_UNAVAILABLE', async () => {
    const { store } = await openTestStore();
    await store.close();
    const refused = store.record(delivery('sumsub', sumsub('applicantCreated', {}, 1), NOW));
    await expect(refused).rejects.toBeInstanceOf(GatewayError);
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
