/** Identities with very large histories do not affect other users. */

import type { IncomingDelivery, RecordOutcome } from '../../src/domain/delivery';
import type { StatusEvent } from '../../src/domain/event';
import type { DatabaseConfig } from '../../src/store/database/options';
import { MAX_HISTORY_BYTES, PAGE_BYTES } from '../../src/store/write/load-history';
import { limitQueue } from '../../src/store/write/queue-limit';
import { change, query } from '../support/databases';
import { openTestStore, SILENT, stateOf } from './open-test-store';

const MIB = 1024 * 1024;
const BY = {
  changeActor: 'desk',
  auditActor: 'ApiKey:1 desk',
  now: new Date('2024-01-02T00:00:00Z'),
};

it('quarantines a delivery for an identity that is too large and applies the others in its group', async () => {
  const salvaged: unknown[] = [];
  const log = { ...SILENT, error: (record: object) => salvaged.push(record) };
  const { store, database, reopen } = await openTestStore({}, {}, log);
  await store.record(news('whale', 1));
  await insertLongEvents(database, MAX_HISTORY_BYTES / MIB + 1);

  const restarted = await reopen();
  const outcomes = await Promise.all([
    restarted.record(news('minnow', 1)),
    restarted.record(news('whale', 2, 'APPROVED')),
    restarted.record(news('other', 1)),
  ]);
  expect(outcomes.map(({ disposition }) => disposition)).toEqual([
    'APPLIED',
    'QUARANTINED',
    'APPLIED',
  ]);
  expect(salvaged).toEqual([{ err: expect.objectContaining({ code: 'ACCOUNT_TOO_LARGE' }) }]);
  const [reason] = await query<{ reason_code: string }>(
    database,
    `SELECT reason_code FROM deliveries WHERE disposition = 'QUARANTINED'`,
  );
  expect(reason).toEqual({ reason_code: 'ACCOUNT_TOO_LARGE' });

  const replay = {
    selection: { disposition: 'QUARANTINED' },
    dryRun: false,
    ...BY,
    reread: () => news('whale', 2, 'APPROVED').reading,
  } as const;
  const refused = await restarted.replay(replay);
  expect(refused.failed).toMatchObject([{ reason: { code: 'ACCOUNT_TOO_LARGE' } }]);
  await change(database, 'DELETE FROM events WHERE id < 0');
  const replayed = await restarted.replay(replay);
  expect(replayed.dispositionChanges).toMatchObject([{ before: 'QUARANTINED', after: 'APPLIED' }]);
});

it('starts with a changed policy if one user cannot be loaded', async () => {
  const skipped: object[] = [];
  const log = { ...SILENT, error: (record: object) => skipped.push(record) };
  const { store, database, reopen } = await openTestStore({}, {}, log);
  await store.record(news('whale', 1, 'APPROVED'));
  await store.record(news('minnow', 1, 'APPROVED'));
  await insertLongEvents(database, MAX_HISTORY_BYTES / MIB + 1);
  const rules = { policy: { verified: { level: 'paycaddy/other' }, expiresAfterMs: {} } };

  await reopen(rules);
  const users = await query(database, 'SELECT id, verification_status FROM users ORDER BY id');
  expect(users).toEqual([
    { id: 1, verification_status: 'VERIFIED' },
    { id: 2, verification_status: 'NOT_VERIFIED' },
  ]);
  expect(skipped).toEqual([
    { userId: 1, err: expect.objectContaining({ message: expect.anything() }) },
  ]);

  // The next start projects the skipped user.
  await change(database, 'DELETE FROM events WHERE id < 0');
  await reopen(rules);
  const statuses = await query(database, 'SELECT verification_status AS status FROM users');
  expect(statuses).toEqual([{ status: 'NOT_VERIFIED' }, { status: 'NOT_VERIFIED' }]);
});

it('erases a user whose history cannot be loaded', async () => {
  const { store, database, reopen } = await openTestStore();
  await store.record(news('whale', 1));
  await insertLongEvents(database, MAX_HISTORY_BYTES / MIB + 1);
  const restarted = await reopen();
  const erased = await restarted.erasures.erase({ userId: 1, ...BY, reason: 'request 1' });
  expect(erased).toMatchObject({ erased: true });
  expect(await query(database, 'SELECT id FROM events')).toEqual([]);
});

it.each([
  ['paycaddy', 'whale', 'VERIFIED'],
  ['p100', 'small', 'NOT_VERIFIED'],
])(
  'erases the %s identity of a user whose history cannot be loaded',
  async (provider, subjectRef, rest) => {
    const { store, database, reopen } = await openTestStore();
    await store.record(news('whale', 1));
    await store.record({ ...news('small', 1, 'APPROVED'), provider: 'p100' });
    await store.linkIdentity({ provider: 'p100', subjectRef: 'small', userId: 1, ...BY });
    await insertLongEvents(database, MAX_HISTORY_BYTES / MIB + 1);
    const { deliveryId } = await store.record(nothing(provider));

    const restarted = await reopen();
    const account = { provider, subjectRef, deliveryId, occurredAt: undefined };
    const outcome = await restarted.erasures.eraseIdentity({ ...account, ...BY, reason: 'gone' });
    expect(outcome).toMatchObject({ erased: true });
    expect(await restarted.read.userByIdentity(provider, subjectRef)).toBeNull();
    const [user] = await restarted.read.usersByIds([1]);
    expect(user).toMatchObject({ erasedAt: null, verificationStatus: rest });
    const [levels] = await restarted.read.levelsOf([1]);
    expect(levels).toMatchObject([{ levelKey: provider === 'p100' ? 'paycaddy/KYC' : 'p100/KYC' }]);
    const left = await query(database, `SELECT id FROM events WHERE id < 0`);
    expect(left.length > 0).toBe(provider === 'p100');
  },
);

it('erases a user with a constant number of statements for any number of attempts', async () => {
  const counts: number[] = [];
  for (const events of [4, 58]) {
    let statements = 0;
    const { store, database } = await openTestStore({}, { onQuery: () => (statements += 1) });
    for (let second = 0; second < events; second += 1) {
      const status = second % 2 === 0 ? 'IN_REVIEW' : 'REJECTED';
      await store.record(news('whale', second, status, 'what the provider wrote'));
    }
    statements = 0;
    await store.erasures.erase({ userId: 1, ...BY, reason: 'request 1' });
    counts.push(statements);
    const [attempts] = await query<{ n: number }>(database, 'SELECT count(*) AS n FROM attempts');
    expect(attempts?.n).toBe(events / 2);
    for (const table of ['attempts', 'changes']) {
      const rows = await query<{ rejection: string }>(
        database,
        `SELECT CAST(rejection AS text) AS rejection FROM ${table} WHERE rejection IS NOT NULL`,
      );
      expect(rows.length).toBeGreaterThanOrEqual(events / 2);
      for (const { rejection } of rows) {
        expect(JSON.parse(rejection)).toMatchObject({
          reasons: [{ code: 'OTHER', message: null }],
        });
      }
    }
  }
  expect(counts[1]).toBe(counts[0]);
});

it('loads a history that exceeds one page', async () => {
  const long = Array.from({ length: (2 * PAGE_BYTES) / MIB + 1 }, (_, second) =>
    news('whale', second, second % 2 === 0 ? 'REJECTED' : 'IN_REVIEW', 'x'.repeat(MIB)),
  );
  const whole = await openTestStore();
  for (const one of long) await whole.store.record(one);
  await whole.store.record(news('whale', 100, 'APPROVED'));

  const restarted = await openTestStore();
  for (const one of long) await (await restarted.reopen()).record(one);
  const outcome = await (await restarted.reopen()).record(news('whale', 100, 'APPROVED'));
  expect(outcome.disposition).toBe('APPLIED');
  expect(await stateOf(restarted.database)).toBe(await stateOf(whole.database));
});

it('rejects deliveries while pending deliveries exceed the limit', async () => {
  const waiting: (() => void)[] = [];
  const outcome: RecordOutcome = {
    deliveryId: 1,
    disposition: 'APPLIED',
    duplicate: false,
    changes: 0,
  };
  const record = limitQueue(
    () => new Promise((resolve) => waiting.push(() => resolve(outcome))),
    3 * MIB,
  );
  const large = { ...news('whale', 1), rawBody: Buffer.alloc(4 * MIB) };
  const first = record(large); // alone, so its size does not matter
  await expect(record(news('minnow', 1))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  waiting.shift()?.();
  expect(await first).toBe(outcome);

  const small = { ...news('minnow', 1), rawBody: Buffer.alloc(MIB) };
  const two = [record(small), record(small)];
  await expect(record(small)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  for (const resolve of waiting) resolve();
  expect(await Promise.all(two)).toEqual([outcome, outcome]);
});

/** Inserts events of the first identity as an earlier version stored them. */
function insertLongEvents(database: DatabaseConfig, count: number): Promise<void> {
  const [event] = eventsOf(news('whale', 1, 'IN_REVIEW', 'TEXT'));
  const [head, tail] = JSON.stringify(event).split('TEXT');
  const text = database.kind === 'sqlite' ? `hex(zeroblob(${MIB / 2}))` : `repeat('0', ${MIB})`;
  const body = `'${head}' || ${text} || '${tail}'`;
  return change(
    database,
    `INSERT INTO events (id, key, delivery_id, identity_id, received_at, trust, body)
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      SELECT -n, 'key ' || n, 1, 1, '2024-01-01T00:00:00.000Z', 'SIGNED',
        ${database.kind === 'sqlite' ? body : `(${body})::json`} FROM numbers`,
  );
}

function eventsOf({ reading }: IncomingDelivery) {
  return reading.kind === 'EVENTS' ? reading.events : [];
}

function nothing(provider: string): IncomingDelivery {
  const reading = { kind: 'IGNORED', eventType: 'deleted', duplicateKey: 'deleted' } as const;
  return { ...news('other', 1), provider, reading };
}

function news(
  subjectRef: string,
  second: number,
  status: NonNullable<StatusEvent['status']> = 'IN_PROGRESS',
  message: string | null = null,
): IncomingDelivery {
  const event: StatusEvent = {
    type: 'STATUS',
    subjectRef,
    level: 'KYC',
    levelKind: 'LEVEL',
    status,
    providerStatus: status,
    occurredAt: `2024-01-01T00:00:${String(second % 60).padStart(2, '0')}.${String(second).padStart(3, '0')}Z`,
    ...(message !== null && { reasons: [{ code: 'OTHER', providerCode: null, message }] }),
  };
  return {
    provider: 'paycaddy',
    receivedAt: new Date('2024-01-01T01:00:00Z'),
    rawBody: Buffer.from('{}'),
    subpath: '',
    trust: 'SIGNED',
    reading: {
      kind: 'EVENTS',
      eventType: status,
      duplicateKey: `${subjectRef} ${second}`,
      events: [event],
    },
  };
}
