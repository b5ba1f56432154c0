/** Lost connections and a server that is unavailable for a while: the store keeps what it acknowledged, and continues. */

import { Client } from 'pg';
import type { Store } from '../../../src/store/store';
import { change, query } from '../../support/databases';
import { openTestStore } from '../open-test-store';
import { delivery, fractalId } from '../provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const AWAY = { code: 'STORE_UNAVAILABLE' };
/** Waits until the connections are gone: on a busy machine, a terminated connection still accepts a statement. */
const KILL = `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'kyc-gateway'`;

const post = (store: Store, n: number) =>
  store.record(
    delivery('fractal-id', fractalId('verification_approved', 'basic', `uid-${n}`, n), NOW),
  );

it('stores every acknowledged delivery exactly once while connections are terminated repeatedly', async () => {
  const { store, database } = await openTestStore();
  const kept = new Set<number>();
  let refused = 0;
  let cutting = true;
  const cuts = (async () => {
    for (let n = 0; n < 10; n += 1) {
      const before = kept.size;
      while (kept.size < before + 5) await new Promise(setImmediate);
      await change(database, KILL);
    }
    cutting = false;
  })();
  let next = 0;
  const senders = Array.from({ length: 16 }, async () => {
    while (cutting) {
      const n = next++;
      for (let done = false; !done; ) {
        try {
          await post(store, n);
          kept.add(n);
          done = true;
        } catch (error) {
          expect(error).toMatchObject(AWAY);
          refused += 1;
          await new Promise(setImmediate);
        }
      }
    }
  });
  await Promise.all([...senders, cuts]);

  expect(refused).toBeGreaterThan(0);
  const [row] = await query<{ kept: number; users: number; changes: number; last: number }>(
    database,
    `SELECT (SELECT count(*) FROM deliveries) AS kept, (SELECT count(*) FROM users) AS users,
      (SELECT count(*) FROM changes) AS changes, (SELECT max(id) FROM changes) AS last`,
  );
  expect(row).toEqual({ kept: next, users: next, changes: next, last: next });
  expect(kept.size).toBe(next);
});

it('fails reads and snapshots in progress, and serves the next', async () => {
  const { store, database } = await openTestStore();
  await post(store, 1);
  const lost = store.snapshot(async (read) => {
    expect(await read.head()).toBe(1);
    await change(database, KILL);
    return await read.head();
  });
  await expect(lost).rejects.toMatchObject(AWAY);
  expect(await store.snapshot((read) => read.head())).toBe(1);
  await store.assertReady();
  expect(await post(store, 2)).toMatchObject({ disposition: 'APPLIED' });
});

it('rejects writes while another session keeps the lock for too long, and continues afterwards', async () => {
  const { store, url } = await openTestStore();
  await post(store, 1);
  const other = new Client({ connectionString: url });
  await other.connect();
  try {
    await other.query('BEGIN; SELECT FROM sequencer FOR UPDATE');
    await expect(post(store, 2)).rejects.toMatchObject(AWAY);
  } finally {
    await other.end();
  }
  expect(await post(store, 2)).toMatchObject({ disposition: 'APPLIED', duplicate: false });
});
