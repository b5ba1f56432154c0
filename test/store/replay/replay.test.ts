/** Tests what a replay keeps and what it corrects. */

import type { Reading, StoredDelivery } from '../../../src/domain/delivery';
import { UnknownProviderError } from '../../../src/domain/errors';
import type { DatabaseConfig } from '../../../src/store/database/options';
import { openStore } from '../../../src/store/open-store';
import type { Store } from '../../../src/store/store';
import { withoutNonces } from '../../support/changes';
import { query, tablesOf } from '../../support/databases';
import { openTestStore, SILENT, stateOf } from '../open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from '../provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

type Reread = (kept: StoredDelivery) => Reading;

/** Parses with the current adapters a text that `correct` has changed, to simulate a corrected adapter. */
function reading(correct: (body: string, kept: StoredDelivery) => string = (body) => body): Reread {
  return (kept) =>
    delivery(kept.provider, correct(kept.rawBody.toString(), kept), kept.receivedAt).reading;
}

function replay(store: Store, reread: Reread, dryRun = false, selection = {}) {
  return store.replay({
    selection,
    dryRun,
    changeActor: 'an operator',
    auditActor: 'test',
    now: NOW,
    reread,
  });
}

function dispositions(store: Store, ...ids: number[]) {
  return store.read
    .deliveriesByIds(ids)
    .then((rows) => rows.map((row) => [row?.disposition, row?.reason, row?.userId]));
}

describe('a replay', () => {
  // Regression: the replay removed the events and quarantined the delivery, so that a fault in an adapter changed users.
  it('keeps an applied delivery that no longer parses, and reports the reason', async () => {
    const { store, database } = await openTestStore();
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW));
    const before = await tablesOf(database);

    const outcome = await replay(
      store,
      reading((body) => body.replace('completed', 'never-heard-of')),
    );

    expect(outcome).toMatchObject({ deliveries: 1, dispositionChanges: [], changes: [] });
    expect(outcome.failed).toEqual([
      { deliveryId: 1, reason: { code: 'STATUS_UNMAPPED', message: expect.any(String) } },
    ]);
    expect(await tablesOf(database)).toEqual(before);
  });

  it('applies a delivery whose type the adapter supports now', async () => {
    const { store } = await openTestStore();
    const body = JSON.stringify(sumsub('applicantReviewed', green, 1));
    const unknown = body.replace('applicantReviewed', 'applicantNewlyReviewed');
    const kept = await store.record(delivery('sumsub', unknown, NOW));
    expect(kept).toMatchObject({ disposition: 'QUARANTINED', changes: 0 });
    expect(await store.read.deliveriesByIds([1])).toMatchObject([
      { eventType: 'applicantNewlyReviewed' },
    ]);

    const outcome = await replay(
      store,
      reading((text) => text.replace('applicantNewlyReviewed', 'applicantReviewed')),
    );

    expect(outcome).toMatchObject({
      dispositionChanges: [{ deliveryId: 1, before: 'QUARANTINED', after: 'APPLIED' }],
      failed: [],
    });
    expect(await dispositions(store, 1)).toEqual([['APPLIED', null, 1]]);
  });

  it('quarantines a delivery that an earlier version ignored as an unknown type', async () => {
    const { store } = await openTestStore();
    const unknown = delivery('sumsub', sumsub('applicantSomethingNew', green, 1), NOW);
    const eventType = 'applicantSomethingNew';
    const ignored: Reading = { kind: 'IGNORED', eventType, duplicateKey: 'as before' };
    await store.record({ ...unknown, reading: ignored });

    const outcome = await replay(store, reading());

    expect(outcome).toMatchObject({
      dispositionChanges: [{ deliveryId: 1, before: 'IGNORED', after: 'QUARANTINED' }],
      failed: [],
    });
    expect(await store.read.deliveriesByIds([1])).toMatchObject([
      { disposition: 'QUARANTINED', eventType, reason: expect.any(String) },
    ]);
  });

  it('updates the reason of a delivery that still does not parse', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('paycaddy', paycaddy('never-heard-of', 'user-1', 1), NOW));
    await replay(store, (kept) => ({
      ...delivery(kept.provider, 'unreadable', NOW).reading,
      kind: 'QUARANTINED',
      eventType: 'a type',
      duplicateKey: 'as before',
      reason: { code: 'PAYLOAD_INVALID', message: 'expected a field to be there' },
    }));
    expect(await store.read.deliveriesByIds([1])).toMatchObject([
      { disposition: 'QUARANTINED', reason: 'expected a field to be there', eventType: 'a type' },
    ]);
  });

  it('updates the type of a delivery with the same events', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW));
    await replay(store, (kept) => ({ ...reading()(kept), eventType: 'by another name' }));
    expect(await store.read.deliveriesByIds([1])).toMatchObject([
      { disposition: 'APPLIED', eventType: 'by another name', userId: 1 },
    ]);
  });

  // Regression: one provider without a secret made the replay throw.
  it('skips and reports providers that are not configured', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('sumsub', 'unreadable', NOW));
    await store.record(delivery('paycaddy', paycaddy('newly-verified', 'user-1', 1), NOW));
    const outcome = await replay(store, (kept) => {
      if (kept.provider === 'sumsub') throw new UnknownProviderError();
      return reading((body) => body.replace('newly-', ''))(kept);
    });
    expect(outcome).toMatchObject({
      deliveries: 2,
      dispositionChanges: [{ deliveryId: 2, before: 'QUARANTINED', after: 'APPLIED' }],
      failed: [{ deliveryId: 1, reason: { code: 'PROVIDER_UNKNOWN' } }],
    });
  });

  // Regression: the delivery stayed with its former subject, whose state did not change.
  it('corrects both subjects if the delivery is about another one', async () => {
    const { store, database } = await openTestStore();
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW));
    const outcome = await replay(
      store,
      reading((body) => body.replace('applicant-1', 'applicant-2')),
    );

    expect(outcome.changes).toMatchObject([
      { userId: 2, attemptStatus: 'APPROVED', verificationStatus: 'VERIFIED' },
      { userId: 1, previousAttemptStatus: 'APPROVED', verificationStatus: 'NOT_VERIFIED' },
    ]);
    expect(await dispositions(store, 1)).toEqual([['APPLIED', null, 2]]);
    expect(String((await store.read.rawBodiesOf([1]))[0])).toContain('applicant-1');
    expect(
      await query(
        database,
        `SELECT i.subject_ref AS ref, (SELECT count(*) FROM events e WHERE e.identity_id = i.id) AS events
          FROM identities i ORDER BY i.id`,
      ),
    ).toEqual([
      { ref: 'applicant-1', events: 0 },
      { ref: 'applicant-2', events: 1 },
    ]);
  });

  it('removes the events of a second subject that is no longer parsed', async () => {
    const { store } = await openTestStore();
    const told = (subjectRef: string) => ({
      type: 'STATUS' as const,
      subjectRef,
      level: 'basic',
      levelKind: 'LEVEL' as const,
      status: 'APPROVED' as const,
      providerStatus: 'approved',
      occurredAt: '2024-01-01T00:00:00.000000000Z',
    });
    const tells = (...refs: string[]): Reading => ({
      kind: 'EVENTS',
      eventType: 'told',
      duplicateKey: refs.join(),
      events: refs.map(told),
    });
    await store.record({
      ...delivery('sumsub', 'of two', NOW),
      reading: tells('one', 'two'),
    });
    const outcome = await replay(store, () => tells('one'));
    expect(outcome.changes).toMatchObject([{ userId: 2, verificationStatus: 'NOT_VERIFIED' }]);
    expect(await dispositions(store, 1)).toEqual([['APPLIED', null, 1]]);
  });

  // Regression: personal data was not compared, so a corrected name was never stored.
  it('corrects personal data', async () => {
    const { store, database } = await openTestStore();
    await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 5), NOW));
    const before = await stateOf(database);
    const mended = reading((body) => body.replace('Invented Person', 'Imagined Person'));

    expect(await replay(store, mended)).toMatchObject({
      dispositionChanges: [],
      changes: [],
      failed: [],
    });

    expect(await store.read.profilesOf([1])).toMatchObject([{ fullName: 'Imagined Person' }]);
    expect(await dispositions(store, 1)).toEqual([['APPLIED', null, 1]]);
    expect(await stateOf(database)).toBe(before);
    const corrected = await tablesOf(database);
    await replay(store, mended);
    expect(await tablesOf(database)).toEqual(corrected);
  });

  it('distinguishes two equal events from one', async () => {
    const { store, database } = await openTestStore();
    const [first, second] = ['a', 'b'].map((name) => ({
      type: 'PROFILE' as const,
      subjectRef: 'one',
      occurredAt: '2024-01-01T00:00:00.000000000Z',
      profile: { fullName: name },
    }));
    if (first === undefined || second === undefined) throw new Error('there are two');
    const tells = (...events: (typeof first)[]): Reading => ({
      kind: 'EVENTS',
      eventType: 'told',
      duplicateKey: 'same',
      events,
    });
    await store.record({ ...delivery('sumsub', 'twice', NOW), reading: tells(first, second) });
    await replay(store, () => tells(first, first));
    expect(await store.read.profilesOf([1])).toEqual([{ fullName: 'a' }]);
    expect(await query(database, 'SELECT count(*) AS n FROM events')).toEqual([{ n: 2 }]);
  });

  describe('of a credential', () => {
    const shared = (credential: string, holder = 'holder-1') => ({
      type: 'credential_shared',
      data: {
        idos_human_id: holder,
        credential_id: credential,
        shared_at: '2024-01-01T00:00:00Z',
      },
    });
    const rows = (database: DatabaseConfig) =>
      query(
        database,
        'SELECT holder_ref AS holder, credential_ref AS ref, delivery_id AS id FROM credentials ORDER BY id',
      );

    it('corrects its holder', async () => {
      const { store, database } = await openTestStore();
      await store.record(delivery('fractal-id', shared('c-1'), NOW));
      await replay(
        store,
        reading((body) => body.replace('holder-1', 'holder-2')),
      );
      expect(await rows(database)).toEqual([{ holder: 'holder-2', ref: 'c-1', id: 1 }]);
      expect(await dispositions(store, 1)).toEqual([['APPLIED', null, null]]);
    });

    it('removes a credential that is no longer parsed, so that another delivery decides', async () => {
      const { store, database } = await openTestStore();
      await store.record(delivery('fractal-id', shared('c-1'), NOW));
      await store.record(delivery('fractal-id', shared('c-1', 'holder-2'), NOW));
      const both = [
        { holder: 'holder-1', ref: 'c-1', id: 1 },
        { holder: 'holder-2', ref: 'c-1', id: 2 },
      ];
      expect(await rows(database)).toEqual(both);
      const ignored: Reread = (kept) =>
        kept.id === 2
          ? { kind: 'IGNORED', eventType: 'credential_shared', duplicateKey: 'ignored' }
          : reading()(kept);

      const rehearsed = await replay(store, ignored, true);
      expect(await rows(database)).toEqual(both);
      const done = await replay(store, ignored);

      expect(done).toEqual(rehearsed);
      expect(done.dispositionChanges).toEqual([
        { deliveryId: 2, before: 'APPLIED', after: 'IGNORED' },
      ]);
      expect(await rows(database)).toEqual(both.slice(0, 1));
    });
  });

  // Regression: the digits that order events within a millisecond were assigned again, so that two became equal.
  it('keeps the order of undated events within a millisecond', async () => {
    const { store, database } = await openTestStore();
    for (const [id, note] of ['first', 'second', 'third'].entries()) {
      const status = id === 1 ? 'rejected' : 'approved';
      await store.record(delivery('kraken', { id: 'user-1', status, note }, NOW));
    }
    const receipts = () =>
      query(
        database,
        'SELECT delivery_id AS id, received_at AS at FROM events ORDER BY received_at',
      );
    const before = [await receipts(), await stateOf(database)];
    // Changes only the second event, by another key of the provider: it is removed, and added again.
    const outcome = await replay(
      store,
      (kept) => {
        const { reading } = delivery('kraken', kept.rawBody.toString(), kept.receivedAt);
        return { ...reading, duplicateKey: `new ${reading.duplicateKey}` };
      },
      false,
      { ids: [2] },
    );
    expect(outcome).toMatchObject({ dispositionChanges: [], changes: [], failed: [] });
    expect(await query(database, 'SELECT id FROM events ORDER BY id')).not.toContainEqual({
      id: 2,
    });
    expect([await receipts(), await stateOf(database)]).toEqual(before);
  });

  it('changes nothing for a delivery that turns out to be a duplicate', async () => {
    const { store, database } = await openTestStore();
    for (const spelling of ['verified-1', 'verified-2']) {
      await store.record(delivery('paycaddy', paycaddy(spelling, 'user-1', 5), NOW));
    }
    const learnt = reading((body) => body.replace(/verified-\d/, 'verified'));
    await replay(store, learnt);
    const before = await tablesOf(database);
    expect(await replay(store, learnt)).toMatchObject({
      dispositionChanges: [],
      changes: [],
      failed: [],
    });
    expect(await tablesOf(database)).toEqual(before);
  });
});

describe('a replay next to a gateway', () => {
  // Regression: it projected users by rules that the gateway no longer used.
  it.each([true, false])(
    'ends if the rules of the gateway change (dry run: %s)',
    async (dryRun) => {
      const { store, config, database } = await openTestStore();
      await store.record(delivery('paycaddy', paycaddy('newly-verified', 'user-1', 5), NOW));
      const command = await openStore(config, SILENT, { onOtherRules: 'refuse' });
      try {
        const restarted = await openStore({ ...config, acceptSandbox: false }, SILENT);
        await restarted.close();
        const before = await tablesOf(database);
        await expect(
          replay(
            command,
            reading((body) => body.replace('newly-', '')),
            dryRun,
          ),
        ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
        expect(await tablesOf(database)).toEqual(before);
      } finally {
        await command.close();
      }
    },
  );
});

describe('a replay of many deliveries', () => {
  const MANY = 450;

  async function openWithMany() {
    const opened = await openTestStore();
    const at = (tick: number) => paycaddy('newly-verified', `user-${tick % 7}`, tick);
    await Promise.all(
      Array.from({ length: MANY }, (_, tick) =>
        opened.store.record(delivery('paycaddy', at(tick), NOW)),
      ),
    );
    return opened;
  }

  const learnt = reading((body) => body.replace('newly-', ''));

  // Regression: it was one transaction, so that deliveries waited for all of it.
  it('stores new deliveries between its steps', async () => {
    const { store } = await openWithMany();
    const done: string[] = [];
    let posted: Promise<void> | undefined;
    const outcome = await replay(store, (kept) => {
      posted ??= store
        .record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW))
        .then(() => void done.push('posted'));
      return learnt(kept);
    });
    done.push('replayed');
    await posted;
    expect(done).toEqual(['posted', 'replayed']);
    expect(outcome.deliveries).toBe(MANY);
    expect(outcome.dispositionChanges).toHaveLength(MANY);
    expect(await store.read.countUsers({ verificationStatus: ['VERIFIED'] })).toBe(8);
  });

  it('applies and reports the others if one fails', async () => {
    const { store } = await openWithMany();
    const outcome = await replay(store, (kept) => {
      const read = learnt(kept);
      if (kept.id !== 300 || read.kind !== 'EVENTS') return read;
      // Fails on insert: the value is a string in TypeScript, but not in the database.
      const broken = { subjectRef: 'user-9', providerStatus: null as never };
      return { ...read, events: read.events.map((event) => ({ ...event, ...broken })) };
    });
    expect(outcome.failed).toEqual([
      { deliveryId: 300, reason: { code: 'INTERNAL', message: expect.any(String) } },
    ]);
    expect(outcome).toMatchObject({ deliveries: MANY });
    expect(outcome.dispositionChanges).toHaveLength(MANY - 1);
    expect(await store.read.countDeliveries({ disposition: ['QUARANTINED'] })).toBe(1);
    expect((await dispositions(store, 300)).map(([word]) => word)).toEqual(['QUARANTINED']);
  });

  it('returns the same outcome as a dry run, which changes nothing', async () => {
    const { store, database } = await openWithMany();
    const before = await tablesOf(database);
    const rehearsed = await replay(store, learnt, true);
    expect(await tablesOf(database)).toEqual(before);
    expect(withoutNonces(await replay(store, learnt))).toEqual(withoutNonces(rehearsed));
  });

  it('delays no delivery as a dry run', async () => {
    const { store } = await openWithMany();
    let posted: Promise<unknown> | undefined;
    const body = fractalId('verification_approved', 'basic', 'uid-1', 1);
    await replay(
      store,
      (kept) => {
        posted ??= store.record(delivery('fractal-id', body, NOW));
        return learnt(kept);
      },
      true,
    );
    expect(await posted).toMatchObject({ disposition: 'APPLIED' });
    expect(await store.read.countUsers({})).toBe(1);
  });

  it('ignores deliveries that arrive after its start', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('p100', p100('user-1', 'VERIFIED'), NOW));
    const outcome = await replay(store, (kept) => {
      void store.record(delivery('p100', p100(`user-${kept.id + 1}`, 'VERIFIED'), NOW));
      return reading()(kept);
    });
    expect(outcome.deliveries).toBe(1);
  });
});
