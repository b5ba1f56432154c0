/** A user whose transaction the server ends each time: it is skipped, and the gateway starts. */

import type { IncomingDelivery } from '../../../src/domain/delivery';
import type { VerificationEvent } from '../../../src/domain/event';
import { change, query } from '../../support/databases';
import { openTestStore, SILENT } from '../open-test-store';

const RULES = { policy: { verified: { level: 'paycaddy/other' }, expiresAfterMs: {} } };

it.each([
  ['a limit of time', "RAISE EXCEPTION 'canceled' USING ERRCODE = 'query_canceled'"],
  ['the end of the connection', 'PERFORM pg_terminate_backend(pg_backend_pid())'],
])('skips a user whose re-evaluation always ends with %s', async (_, fault) => {
  const skipped: object[] = [];
  const log = { ...SILENT, error: (record: object) => skipped.push(record) };
  let count = 0;
  const options = { onSkippedUser: () => (count += 1) };
  const { store, database, reopen } = await openTestStore({}, options, log);
  for (const subjectRef of ['one', 'whale', 'two']) await store.record(approvalOf(subjectRef));
  await change(database, FAIL(fault));

  await reopen(RULES);
  expect(await query(database, STATUSES)).toEqual([
    { id: 1, status: 'NOT_VERIFIED' },
    { id: 2, status: 'VERIFIED' },
    { id: 3, status: 'NOT_VERIFIED' },
  ]);
  expect(skipped).toContainEqual({
    userId: 2,
    err: expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
  });
  expect(count).toBe(1);

  await change(database, 'DROP TRIGGER fail ON users');
  await reopen(RULES);
  expect(await query(database, STATUSES)).toContainEqual({ id: 2, status: 'NOT_VERIFIED' });
});

it('fails the start, and skips no user, if the disk is full', async () => {
  let count = 0;
  const { store, database, reopen } = await openTestStore(
    {},
    { onSkippedUser: () => (count += 1) },
  );
  await store.record(approvalOf('one'));
  await store.record(approvalOf('whale'));
  await change(database, FAIL("RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'"));
  await expect(reopen(RULES)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(count).toBe(0);
});

const STATUSES = 'SELECT id, verification_status AS status FROM users ORDER BY id';

/** @param fault - What happens when the row of the second user is written. */
const FAIL = (fault: string) => `
  CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${fault}; RETURN NEW; END $$;
  CREATE TRIGGER fail BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION fail()`;

function approvalOf(subjectRef: string): IncomingDelivery {
  const event: VerificationEvent = {
    type: 'STATUS',
    subjectRef,
    level: 'KYC',
    levelKind: 'LEVEL',
    status: 'APPROVED',
    providerStatus: 'verified',
    occurredAt: '2024-01-01T00:00:00.000000000Z',
  };
  return {
    provider: 'paycaddy',
    receivedAt: new Date('2024-01-01T01:00:00Z'),
    rawBody: Buffer.from('{}'),
    subpath: '',
    trust: 'SIGNED',
    reading: {
      kind: 'EVENTS',
      eventType: 'verified',
      duplicateKey: subjectRef,
      events: [event],
    },
  };
}
