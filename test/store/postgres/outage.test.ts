/** A database that cannot be written for a while: the log contains the cause, once. */

import type { StoreLog } from '../../../src/store/open-store';
import { change } from '../../support/databases';
import { openTestStore } from '../open-test-store';
import { delivery, fractalId } from '../provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const KILL = `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'kyc-gateway'`;

function recordLog() {
  const lines: { level: string; message: string; err?: unknown }[] = [];
  const write = (level: string) => (record: object, message: string) => {
    lines.push({ level, message, ...record });
  };
  const log: StoreLog = {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
  };
  return { log, lines };
}

it('logs one outage with its cause, and its end', async () => {
  const { log, lines } = recordLog();
  const { store, database } = await openTestStore({}, {}, log);
  if (database.kind !== 'postgres') throw new Error('expected PostgreSQL');
  const post = (n: number) =>
    store.record(
      delivery('fractal-id', fractalId('verification_approved', 'basic', `uid-${n}`, n), NOW),
    );
  /** Simulates a failover to a replica. The first write on a terminated connection may fail for that reason alone. */
  const setReadOnly = async (mode: 'on' | 'off') => {
    const name = database.database;
    await change(
      database,
      `BEGIN READ WRITE; ALTER DATABASE ${name} SET default_transaction_read_only = ${mode}; COMMIT`,
    );
    await change(database, KILL);
  };
  await post(1);
  expect(lines).toEqual([]);

  await setReadOnly('on');
  for (const n of [2, 3, 4, 5]) {
    await expect(post(n)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'The database is unavailable. Retry after the `Retry-After` interval.',
    });
  }
  expect(lines).toEqual([
    { level: 'error', message: 'failed to write to the database', err: expect.anything() },
  ]);
  expect(lines[0]?.err).toMatchObject({ cause: { code: expect.stringMatching(/^25006|57P01$/) } });

  await setReadOnly('off');
  while ((await post(6).catch(() => null)) === null);
  expect(lines.at(-1)).toMatchObject({ level: 'info' });
  expect(lines).toHaveLength(2);
});

// Otherwise a subscriber or a provider sends the same request forever.
it.each([
  ['text with NUL', 'a\0b'],
  ['half of a surrogate pair', 'a\ud800b'],
])('%s is a fault of the request, not an outage', async (_, text) => {
  const { store } = await openTestStore();
  const asked = await store.read.userByExternalId(text).catch((error) => error);
  // The driver replaces an unpaired surrogate, so no row matches.
  if (asked !== null) expect(asked).toMatchObject({ code: 'INPUT_INVALID' });
  if (text.includes('\0')) expect(asked).not.toBeNull();
});

it('reports text that is too large for an index as an error of the request', async () => {
  const { store } = await openTestStore();
  // Random, so that it cannot be compressed.
  const externalUserId = Array.from({ length: 20_000 }, () =>
    Math.random().toString(36).charAt(2),
  ).join('');
  const made = store.createUser({ externalUserId, auditActor: 'desk', now: NOW });
  await expect(made).rejects.toMatchObject({ code: 'INPUT_INVALID', cause: { code: '54000' } });
});
