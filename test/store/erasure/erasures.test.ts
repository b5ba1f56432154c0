/** Tests that an erasure removes all personal data from the database, and that the remaining record never changes. */

import type { Store } from '../../../src/store/store';
import { bytesOf, query } from '../../support/databases';
import { openTestStore, stateOf } from '../open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from '../provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const HOUR_MS = 60 * 60_000;
const hoursOn = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS);

/** All personal data in the deliveries of the test person. */
const TRACES = {
  externalUserId: 'customer-vermilion',
  applicant: '64b1f0aa11bb22cc33dd44ee',
  account: 'account-of-vermilion',
  fractal: 'fractal-vermilion',
  email: 'vermilion@example.test',
  fullName: 'Vermilia Inventsdottir',
  age: '4711 winters',
  comment: 'the lady in vermilion showed a library card',
  label: 'NOTE ABOUT VERMILION',
  ignored: 'vermilion tag',
  unreadable: 'vermilion riddle',
};

const { externalUserId, applicant: applicantId } = TRACES;

const REJECTED = sumsub(
  'applicantReviewed',
  {
    applicantId,
    externalUserId,
    reviewStatus: 'completed',
    reviewResult: {
      reviewAnswer: 'RED',
      reviewRejectType: 'RETRY',
      rejectLabels: [TRACES.label],
      moderationComment: TRACES.comment,
    },
  },
  2_000,
);

async function recordTraces(store: Store): Promise<number> {
  const say = (...parts: Parameters<typeof delivery>) => store.record(delivery(...parts));
  await say('sumsub', sumsub('applicantPending', { applicantId, externalUserId }, 1_000), NOW);
  await say('sumsub', REJECTED, NOW);
  await say('sumsub', sumsub('applicantPending', { applicantId, externalUserId }, 3_000), NOW);
  const person = { fullName: TRACES.fullName, age: TRACES.age };
  await say('paycaddy', { ...paycaddy('verified', TRACES.account, 1), ...person }, NOW);
  await say('fractal-id', fractalId('verification_approved', 'plus', TRACES.fractal, 1), NOW);
  await say(
    'fractal-id',
    {
      type: 'email_changed',
      data: { user_id: TRACES.fractal, email: TRACES.email, timestamp: '2024-01-01T00:00:05Z' },
    },
    NOW,
  );
  const tags = { applicantId, externalUserId, tags: [TRACES.ignored] };
  await say('sumsub', sumsub('applicantTagsChanged', tags, 4_000), NOW);
  const riddle = { applicantId, riddle: TRACES.unreadable, levelName: 7 };
  await say('sumsub', sumsub('applicantReviewed', riddle, 5_000), NOW);
  const user = await store.read.userByExternalId(externalUserId);
  if (user === null) throw new Error('she is known by now');
  for (const [provider, subjectRef] of [
    ['paycaddy', TRACES.account],
    ['fractal-id', TRACES.fractal],
  ] as const) {
    await store.linkIdentity({
      provider,
      subjectRef,
      userId: user.id,
      changeActor: 'desk',
      auditActor: 'desk',
      now: NOW,
    });
  }
  return user.id;
}

const erasing = { reason: 'requested', changeActor: 'desk', auditActor: 'ApiKey:1 desk', now: NOW };

async function someoneElse(store: Store): Promise<void> {
  await store.record(delivery('paycaddy', paycaddy('verified', 'other-account', 1), NOW));
  await store.record(
    delivery('sumsub', sumsub('applicantPending', { applicantId: 'other', tag: 1 }, 1_000), NOW),
  );
}

describe('an erasure', () => {
  it('removes the person from all tables, files and logs of the database', async () => {
    const { store, database } = await openTestStore();
    await someoneElse(store);
    const userId = await recordTraces(store);
    const before = await bytesOf(database);
    const inTheClear = Object.values(TRACES).filter((trace) => before.includes(trace));
    expect(inTheClear).toEqual(expect.arrayContaining([externalUserId, applicantId]));
    expect(inTheClear).toContain(TRACES.comment);
    const keys = await query<{ data_key: Buffer }>(
      database,
      `SELECT data_key FROM identity_keys WHERE identity_id IN (SELECT id FROM identities WHERE user_id = ${userId})`,
    );
    expect(keys).toHaveLength(3);

    const outcome = await store.erasures.erase({ userId, ...erasing });
    expect(outcome).toEqual({ userId, erased: true, erasedAt: NOW });

    const bytes = await bytesOf(database);
    expect(Object.values(TRACES).filter((trace) => bytes.includes(trace))).toEqual([]);
    expect(keys.filter(({ data_key }) => bytes.includes(data_key))).toEqual([]);
    expect(bytes.includes('other-account')).toBe(true);
    expect(await store.read.profilesOf([userId])).toEqual([null]);
    expect(await store.read.credentialsOf([userId])).toEqual([[]]);
    expect(await store.read.userByExternalId(externalUserId)).toBeNull();
    expect(await store.read.userByIdentity('sumsub', applicantId)).toBeNull();
    const ids = Array.from({ length: 12 }, (_, index) => index + 1);
    const bodies = await store.read.rawBodiesOf(ids);
    expect(bodies.filter((body) => body !== null)).toHaveLength(2); // those of others
    expect(await store.audit.verify(null)).toMatchObject({ ok: true });
    const { rows } = await store.read.auditEntries({}, { first: 1 });
    expect(rows[0]?.row).toMatchObject({
      action: 'USER_ERASED',
      actor: 'ApiKey:1 desk',
      subject: `User:${userId}`,
      reason: 'requested',
    });
  });

  it('keeps the statuses, and notifies subscribers without a status change', async () => {
    const { store } = await openTestStore();
    const userId = await recordTraces(store);
    const [before] = await store.read.usersByIds([userId]);
    const levels = await store.read.levelsOf([userId]);
    const { changes } = await store.read.tail(0, 100, { userIds: [userId] });
    await store.erasures.erase({ userId, ...erasing });

    const [after] = await store.read.usersByIds([userId]);
    expect(after).toEqual({ ...before, externalUserId: null, erasedAt: NOW, updatedAt: NOW });
    expect(await store.read.levelsOf([userId])).toEqual(levels);
    const told = await store.read.tail(0, 100, { userIds: [userId] });
    expect(told.changes).toHaveLength(changes.length + 1);
    const last = told.changes.at(-1);
    expect(last).toMatchObject({
      cause: { kind: 'ERASURE', actor: 'desk' },
      verificationStatus: before?.verificationStatus,
      previousVerificationStatus: before?.verificationStatus,
    });
    const rejected = told.changes.find(({ attemptStatus }) => attemptStatus === 'REJECTED');
    expect(rejected?.rejection).toEqual({
      retryable: true,
      reasons: [{ code: 'OTHER', providerCode: null, message: null }],
    });
    const seqs = told.changes.map(({ seq }) => seq);
    expect(seqs).toEqual(changes.map(({ seq }) => seq).concat(seqs.at(-1) ?? 0));
  });

  it('is not changed by rules, expiry, a replay or an operator', async () => {
    const opened = await openTestStore();
    const userId = await recordTraces(opened.store);
    await opened.store.erasures.erase({ userId, ...erasing });
    const state = await stateOf(opened.database);
    const store = await opened.reopen({
      policy: { ...opened.config.policy, expiresAfterMs: { '*': HOUR_MS } },
    });
    expect(await store.expire(new Date('2030-01-01'))).toBe(0);
    const reread = () =>
      ({ kind: 'QUARANTINED', eventType: null, duplicateKey: 'k', reason: UNREADABLE }) as const;
    const replay = {
      selection: {},
      dryRun: false,
      changeActor: 'desk',
      auditActor: 'desk',
      now: NOW,
      reread,
    };
    expect(await store.replay(replay)).toMatchObject({
      dispositionChanges: [],
      failed: [],
      changes: [],
    });
    const link = {
      provider: 'p100',
      subjectRef: 'somebody',
      userId,
      changeActor: 'desk',
      auditActor: 'desk',
      now: NOW,
    };
    expect(await store.linkIdentity(link)).toEqual({ ok: false, fault: 'USER_ERASED' });
    expect(await stateOf(opened.database)).toBe(state);
    expect(await store.statusChecks.candidatesForUser(userId)).toEqual([]);
    for (const kind of ['OPEN', 'UNCONFIRMED', 'QUIET'] as const) {
      expect(await store.statusChecks.candidates({ kind, limit: 10 })).toEqual([]);
    }
  });

  it('is idempotent, also when run twice at the same time', async () => {
    const { store } = await openTestStore();
    const userId = await recordTraces(store);
    const erase = () => store.erasures.erase({ userId, ...erasing });
    const outcomes = await Promise.all([erase(), erase()]);
    outcomes.push(await store.erasures.erase({ userId, ...erasing, now: new Date() }));
    for (const outcome of outcomes) {
      expect(outcome).toEqual({ userId, erased: true, erasedAt: NOW });
    }
    expect(await store.read.countAuditEntries({ action: ['USER_ERASED'] })).toBe(1);
    expect(await store.erasures.erase({ ...erasing, userId: 999 })).toEqual({
      fault: 'USER_NOT_FOUND',
    });
  });

  it('removes deliveries about the person that arrive during the erasure', async () => {
    const { store, database } = await openTestStore();
    const userId = await recordTraces(store);
    const deliveries = Array.from({ length: 60 }, (_, index) => {
      const payload = { applicantId, externalUserId, tag: index };
      return delivery('sumsub', sumsub('applicantOnHold', payload, 10_000 + index), NOW);
    });
    const recorded = deliveries.map((one) => store.record(one));
    const erased = store.erasures.erase({ userId, ...erasing });
    const later = deliveries.map((one) => store.record({ ...one, receivedAt: hoursOn(1) }));
    expect(await erased).toMatchObject({ erased: true });
    await Promise.all([...recorded, ...later]);
    for (const one of deliveries.slice(0, 3)) {
      expect(await store.record(one)).toMatchObject({ duplicate: true });
    }
    await store.erasures.wipe();
    const bytes = await bytesOf(database);
    expect(Object.values(TRACES).filter((trace) => bytes.includes(trace))).toEqual([]);
    expect(await store.read.countUsers({})).toBe(1);
  });

  it('erases all users that were merged into the user', async () => {
    const { store, database } = await openTestStore();
    const merged = await store.createUser({
      externalUserId: 'alias-of-vermilion',
      auditActor: 'desk',
      now: NOW,
    });
    const userId = await recordTraces(store);
    const provider = 'paycaddy';
    await store.record(
      delivery(provider, paycaddy('verified', 'second-account-of-vermilion', 1), NOW),
    );
    const link = {
      provider,
      subjectRef: 'second-account-of-vermilion',
      changeActor: 'desk',
      auditActor: 'desk',
      now: NOW,
    };
    await store.linkIdentity({ ...link, userId: merged.userId });
    const { userId: other } = await store.createUser({
      externalUserId: null,
      auditActor: 'desk',
      now: NOW,
    });
    await store.linkIdentity({ ...link, subjectRef: TRACES.account, userId: other });
    await store.erasures.erase({ ...erasing, userId });
    await store.erasures.erase({ ...erasing, userId: merged.userId });
    const bytes = await bytesOf(database);
    expect(bytes.includes('alias-of-vermilion')).toBe(false);
    expect(bytes.includes('second-account-of-vermilion')).toBe(false);
    expect(bytes.includes(TRACES.account)).toBe(true); // moved to another user before
  });
});

const UNREADABLE = { code: 'PAYLOAD_INVALID', message: 'expected something else' } as const;

describe('an event that arrives after an erasure', () => {
  async function erased() {
    const opened = await openTestStore();
    const userId = await recordTraces(opened.store);
    await opened.store.erasures.erase({ userId, ...erasing });
    return opened;
  }

  const LATE: readonly (readonly [string, Parameters<typeof delivery>])[] = [
    [
      'dated before it',
      ['sumsub', sumsub('applicantOnHold', { applicantId, externalUserId }, 9_000), NOW],
    ],
    [
      'with her external ID, about another account',
      ['sumsub', sumsub('applicantPending', { applicantId: 'new', externalUserId }, 9_000), NOW],
    ],
    ['undated, a day after', ['p100', p100(externalUserId, 'VERIFIED'), hoursOn(24)]],
    [
      'that reports the deletion of the account, with any date',
      [
        'sumsub',
        {
          ...sumsub('applicantDeleted', { applicantId, externalUserId }, 1),
          createdAtMs: '2025-01-01 00:00:00.000',
        },
        new Date('2025-01-01'),
      ],
    ],
  ];

  it.each(LATE)('is ignored and not stored: %s', async (_, parts) => {
    const { store, database } = await erased();
    const outcome = await store.record(delivery(...parts));
    expect(outcome).toMatchObject({ disposition: 'IGNORED', duplicate: false, changes: 0 });
    expect(await store.read.rawBodiesOf([outcome.deliveryId])).toEqual([null]);
    const again = await store.record(delivery(...parts));
    expect(again).toMatchObject({ disposition: 'IGNORED', changes: 0 });
    const bytes = await bytesOf(database);
    expect(Object.values(TRACES).filter((trace) => bytes.includes(trace))).toEqual([]);
    expect(await store.read.countUsers({})).toBe(1);
  });

  it('opens a new user if it is undated and arrives after 48 hours', async () => {
    const { store } = await erased();
    const late = delivery('p100', p100(externalUserId, 'VERIFIED'), hoursOn(49));
    expect(await store.record(late)).toMatchObject({ disposition: 'APPLIED' });
    expect(await store.read.userByExternalId(externalUserId)).toMatchObject({ erasedAt: null });
  });

  it('opens a new user if it is dated after the erasure', async () => {
    const { store } = await erased();
    const body = {
      ...sumsub('applicantPending', { applicantId, externalUserId }, 1),
      createdAtMs: '2024-06-01 12:00:01.000',
    };
    expect(await store.record(delivery('sumsub', body, NOW))).toMatchObject({
      disposition: 'APPLIED',
    });
    const back = await store.read.userByExternalId(externalUserId);
    expect(back).toMatchObject({ erasedAt: null });
    const userId = back?.id ?? 0;
    const later = hoursOn(1);
    const again = await store.erasures.erase({ ...erasing, userId, now: later });
    expect(again).toMatchObject({ erased: true, erasedAt: later });
  });
});

describe('an identity of another user that once had the external ID of the erased user', () => {
  const link = {
    provider: 'sumsub',
    subjectRef: 'shared',
    changeActor: 'desk',
    auditActor: 'desk',
    now: NOW,
  };
  const say = (store: Store, user: string, millisecond: number, at = {}) => {
    const body = sumsub(
      'applicantOnHold',
      { applicantId: 'shared', externalUserId: user, ...at },
      millisecond,
    );
    return store.record(delivery('sumsub', body, NOW));
  };
  const idOf = async (store: Store, user: string) =>
    (await store.read.userByExternalId(user))?.id ?? 0;

  // Regression: its older events contain her external ID, so each new event opened a user for her.
  it('does not bring the user back with events from before the erasure', async () => {
    const { store, database } = await openTestStore();
    await say(store, 'vermilion', 1_000);
    await say(store, 'bo', 2_000);
    await store.erasures.erase({ ...erasing, userId: await idOf(store, 'vermilion') });
    await say(store, 'bo', 3_000);
    expect(await say(store, 'vermilion', 4_000)).not.toMatchObject({ disposition: 'QUARANTINED' });
    const users = 'SELECT external_user_id FROM users WHERE external_user_id IS NOT NULL';
    expect(await query(database, users)).toEqual([{ external_user_id: 'bo' }]);
    expect((await store.read.userByIdentity('sumsub', 'shared'))?.id).toBe(await idOf(store, 'bo'));
  });

  it('does not bring the user back if an operator has linked it', async () => {
    const { store } = await openTestStore();
    await say(store, 'bo', 500, { applicantId: 'of-bo' });
    await say(store, 'vermilion', 1_000);
    await say(store, 'vermilion', 1_500, { applicantId: 'another' });
    await store.linkIdentity({ ...link, userId: await idOf(store, 'bo') });
    await store.erasures.erase({ ...erasing, userId: await idOf(store, 'vermilion') });
    await say(store, 'vermilion', 0, { createdAtMs: '2024-06-01 12:04:00.000' });
    expect(await store.read.userByExternalId('vermilion')).toBeNull();
    expect((await store.read.userByIdentity('sumsub', 'shared'))?.id).toBe(await idOf(store, 'bo'));
  });

  it('brings the user back with an event dated after the erasure', async () => {
    const { store } = await openTestStore();
    await say(store, 'vermilion', 1_000);
    await say(store, 'bo', 2_000);
    await store.erasures.erase({ ...erasing, userId: await idOf(store, 'vermilion') });
    await say(store, 'vermilion', 0, { createdAtMs: '2024-06-01 12:04:00.000' });
    expect((await store.read.userByIdentity('sumsub', 'shared'))?.externalUserId).toBe('vermilion');
  });
});

// Regression: it was applied as if the user were not erased.
it('a replay drops a quarantined delivery that turns out to be late', async () => {
  const { store } = await openTestStore();
  const userId = await recordTraces(store);
  await store.erasures.erase({ ...erasing, userId });
  const late = delivery(
    'sumsub',
    sumsub('applicantOnHold', { applicantId, externalUserId }, 9_000),
    NOW,
  );
  const reading = { kind: 'QUARANTINED', eventType: null, duplicateKey: 'k', reason: UNREADABLE };
  const { deliveryId } = await store.record({ ...late, reading } as typeof late);
  const command = { changeActor: 'desk', auditActor: 'desk', now: NOW };
  const replay = { selection: { ids: [deliveryId] }, ...command, reread: () => late.reading };
  for (const dryRun of [true, false]) {
    expect(await store.replay({ ...replay, dryRun })).toMatchObject({
      dispositionChanges: [{ deliveryId, before: 'QUARANTINED', after: 'IGNORED' }],
      changes: [],
    });
  }
  expect(await store.read.rawBodiesOf([deliveryId])).toEqual([null]);
  expect(await store.read.countUsers({})).toBe(1);
});

// Regression: the row was emptied while its events stayed, so that no replay could correct them.
it('a replay removes an event of another user that turns out to be late', async () => {
  const { store, database } = await openTestStore();
  const userId = await recordTraces(store);
  const say = (ids: object, millisecond: number) =>
    delivery('sumsub', sumsub('applicantOnHold', ids, millisecond), NOW);
  const misread = say({ applicantId: 'of-bo', externalUserId: 'bo' }, 9_000);
  const { deliveryId } = await store.record(misread);
  await store.erasures.erase({ ...erasing, userId });
  const { reading } = say({ applicantId, externalUserId }, 9_000);
  const command = {
    changeActor: 'desk',
    auditActor: 'desk',
    now: NOW,
    dryRun: false,
    reread: () => reading,
  };
  expect(await store.replay({ selection: { ids: [deliveryId] }, ...command })).toMatchObject({
    dispositionChanges: [{ deliveryId, before: 'APPLIED', after: 'IGNORED' }],
    changes: [{ previousAttemptStatus: 'IN_REVIEW' }],
  });
  const ofOthers = `SELECT id FROM attempts WHERE user_id <> ${userId}`;
  expect(await query(database, ofOthers)).toEqual([]);
  expect(await store.read.rawBodiesOf([deliveryId])).toEqual([null]);
});

// The delivery belongs to an identity that has another user now.
it('a replay keeps a delivery of a live identity, even if it names an erased user', async () => {
  const { store, database } = await openTestStore();
  const say = (user: string, millisecond: number, type = 'applicantOnHold') =>
    delivery(
      'sumsub',
      sumsub(type, { applicantId: 'shared', externalUserId: user }, millisecond),
      NOW,
    );
  const first = say('vermilion', 1_000);
  const { deliveryId } = await store.record(first);
  await store.record(say('bo', 2_000, 'applicantDeactivated'));
  const vermilion = await store.read.userByExternalId('vermilion');
  await store.erasures.erase({ ...erasing, userId: vermilion?.id ?? 0 });
  const { reading } = say('vermilion', 1_000, 'applicantPending');
  const command = {
    changeActor: 'desk',
    auditActor: 'desk',
    now: NOW,
    dryRun: false,
    reread: () => reading,
  };
  await store.replay({ selection: { ids: [deliveryId] }, ...command });
  expect(await store.read.rawBodiesOf([deliveryId])).toEqual([first.rawBody]);
  const [held] = await query(database, 'SELECT status FROM attempts');
  expect(held).toEqual({ status: 'IN_PROGRESS' });
});

// Regression: it was emptied, though it belonged to another user by then.
it('keeps a delivery that a replay assigns to another user during the erasure', async () => {
  // The erasure can commit first: then the delivery is about an erased user and stays quarantined. Try again in that case.
  for (let round = 0; round < 20; round += 1) {
    if (await assignDuringErasure()) return;
  }
  throw new Error('the erasure committed first in every round');
});

/** Returns whether the replay committed before the erasure. */
async function assignDuringErasure(): Promise<boolean> {
  const { store } = await openTestStore();
  const userId = await recordTraces(store);
  const payload = { applicantId: 'other', tag: externalUserId };
  const late = delivery('sumsub', sumsub('applicantOnHold', payload, 9_000), NOW);
  const reading = { kind: 'QUARANTINED', eventType: null, duplicateKey: 'k', reason: UNREADABLE };
  const { deliveryId } = await store.record({ ...late, reading } as typeof late);
  const command = { changeActor: 'desk', auditActor: 'desk', now: NOW };
  const selection = { ids: [deliveryId] };
  const replay = { selection, ...command, dryRun: false, reread: () => late.reading };
  const [replayed] = await Promise.all([
    store.replay(replay),
    store.erasures.erase({ ...erasing, userId }),
  ]);
  if (replayed.dispositionChanges.length === 0) return false;
  expect(replayed.dispositionChanges).toMatchObject([{ after: 'APPLIED' }]);
  expect(await store.read.rawBodiesOf([deliveryId])).toEqual([late.rawBody]);
  return true;
}

it('empties raw bodies after their retention, except those under a legal hold', async () => {
  const { store } = await openTestStore();
  const record = (user: string, at: Date) =>
    store.record(delivery('paycaddy', paycaddy('verified', user, 1), at));
  await record('user-1', hoursOn(-3));
  await record('user-2', hoursOn(-3));
  await record('user-3', hoursOn(-1));
  await store.record(delivery('paycaddy', 'unreadable', hoursOn(-3)));
  const hold = { userId: 2, basis: 'case 4', until: null, reason: null, auditActor: 'desk' };
  await store.erasures.setHold({ ...hold, now: NOW });
  const left = async () =>
    (await store.read.rawBodiesOf([1, 2, 3, 4])).map((body) => body !== null);

  expect(await store.erasures.purgeBodies(hoursOn(-2), NOW)).toBe(2);
  expect(await store.erasures.purgeBodies(hoursOn(-2), NOW)).toBe(0);
  expect(await left()).toEqual([false, true, true, false]);
  expect(await store.read.profilesOf([1])).toMatchObject([{ age: '33' }]);

  await store.erasures.releaseHold({ ...hold, now: NOW });
  expect(await store.erasures.purgeBodies(hoursOn(-2), hoursOn(25))).toBe(1);
  expect(await left()).toEqual([false, false, true, false]);
  expect(await store.audit.verify(null)).toMatchObject({ ok: true });
});

// Regression: the check ran before the hold was set, and the body was emptied after.
it('keeps a raw body if a hold is set while bodies are emptied', async () => {
  const { store } = await openTestStore();
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), hoursOn(-3)));
  const hold = {
    userId: 1,
    basis: 'case 4',
    until: null,
    reason: null,
    auditActor: 'desk',
    now: NOW,
  };
  const holding = store.erasures.setHold(hold);
  expect(await store.erasures.purgeBodies(hoursOn(-2), NOW)).toBe(0);
  await holding;
  expect(await store.read.rawBodiesOf([1])).not.toEqual([null]);
});
