/** PostgreSQL's own tools, as OPERATIONS has them: a dump without keys, the newest keys apart, and both put together. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openStore } from '../../../src/store/open-store';
import { createTestDatabase, query } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { createTempDir } from '../../support/temp-dir';
import { openTestStore, SILENT } from '../open-test-store';
import { delivery, paycaddy } from '../vendor-deliveries';

const disposal = createDisposal();
const NOW = new Date('2024-06-01T12:00:00Z');
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function areThere(): boolean {
  try {
    for (const tool of ['pg_dump', 'pg_restore', 'psql']) run(tool, '--version');
    return true;
  } catch {
    return false;
  }
}

const by = { reason: null, actor: 'desk', by: 'desk', now: NOW };
const whereTheyAre = areThere() || process.env.CI ? it : it.skip;

whereTheyAre('a dump is opened by later keys, but for whoever was erased since', async () => {
  const { store, url, config } = await openTestStore();
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-2', 1), NOW));
  const folder = await createTempDir(disposal);
  const dump = join(folder, 'kyc.dump');
  run('pg_dump', '--format=custom', '--exclude-table-data=identity_keys', `--file=${dump}`, url);
  await store.erasures.erase({ ...by, userId: 1 });
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-3', 1), NOW));
  const keys = join(folder, 'identity-keys.copy');
  run('psql', url, '-c', `\\copy identity_keys to '${keys}'`);
  const other = await createTestDatabase('NOTHING');
  disposal.defer(other.drop);
  run('pg_restore', '--no-owner', '--exit-on-error', `--dbname=${other.url}`, dump);
  await expect(openStore({ ...config, database: other.config }, SILENT)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  run(
    'psql',
    other.url,
    '-1',
    '-c',
    'CREATE TEMP TABLE kept (LIKE identity_keys)',
    '-c',
    `\\copy kept from '${keys}'`,
    '-c',
    'INSERT INTO identity_keys SELECT kept.* FROM kept JOIN identities i ON i.id = kept.identity_id',
  );
  const restored = await openStore({ ...config, database: other.config }, SILENT);
  disposal.defer(() => restored.close());
  expect(await restored.erasures.eraseKeyless(by)).toBe(1);
  expect(await restored.read.profilesOf([1, 2])).toMatchObject([null, { age: '33' }]);
  expect(await query(other.config, 'SELECT count(*) AS n FROM identity_keys')).toEqual([{ n: 1 }]);
  expect(await restored.audit.verify(null)).toMatchObject({ ok: true });
});
