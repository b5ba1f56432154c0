/** A file that another program has locked, e.g. an open transaction of the `sqlite3` command or a stopped process. */

import { createConnection } from '../../../src/store/sqlite/connection';
import { createDataSource } from '../../../src/store/sqlite/data-source';
import { API_KEY, startGateway, type TestGateway } from '../../e2e/support/gateway';
import { APPROVALS } from '../../e2e/support/messages';
import { createDisposal } from '../../support/disposal';

const disposal = createDisposal();

async function failuresOf({ url }: TestGateway): Promise<readonly string[]> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  return text.split('\n').filter((line) => line.startsWith('kyc_store_write_failures_total{'));
}

const failures = (locked: number) =>
  Object.entries({ LOCKED: locked, DISK_FULL: 0, READ_ONLY: 0, OTHER: 0 }).map(
    ([reason, count]) => `kyc_store_write_failures_total{reason="${reason}"} ${count}`,
  );

// Regression: the metrics did not distinguish a lock from any other outage.
it('refuses webhooks with 503, counts them as LOCKED, and continues afterwards', async () => {
  const gateway = await startGateway(disposal);
  const { database } = gateway.config;
  if (database.kind !== 'sqlite') throw new Error('expected a file');
  const other = createConnection(await createDataSource(database.file).initialize());
  disposal.defer(() => other.close());
  expect(await failuresOf(gateway)).toEqual(failures(0));

  await other.query('BEGIN IMMEDIATE');
  const refused = await gateway.post('sumsub', APPROVALS.sumsub);
  expect(refused.status).toBe(503);
  expect(await failuresOf(gateway)).toEqual(failures(1));

  await other.query('ROLLBACK');
  const { kept } = await gateway.post('sumsub', APPROVALS.sumsub);
  expect(kept).toMatchObject({ disposition: 'APPLIED', duplicate: false });
  expect(await failuresOf(gateway)).toEqual(failures(1));
});
