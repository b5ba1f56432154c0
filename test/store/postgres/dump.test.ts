/** The PostgreSQL procedure of docs/operations.md: a dump without keys, the newest keys separately, and a restore of both. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program';
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

const psql = (url: string, ...commands: string[]) =>
  run('psql', url, '-1', ...commands.flatMap((command) => ['-c', command]));

function areThere(): boolean {
  try {
    for (const tool of ['pg_dump', 'pg_restore', 'psql']) run(tool, '--version');
    return true;
  } catch {
    return false;
  }
}

const by = { reason: null, changeActor: 'desk', auditActor: 'desk', now: NOW };
const whereTheyAre = areThere() || process.env.CI ? it : it.skip;

whereTheyAre('a dump is opened by later keys, but for whoever was erased since', async () => {
  const { store, url, config } = await openTestStore();
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-2', 1), NOW));
  await store.createUser({ externalUserId: 'user-without-account', auditActor: 'desk', now: NOW });
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-4', 1), NOW));
  const hold = { ...by, basis: 'case 4', until: null };
  await store.erasures.setHold({ ...hold, userId: 1 });
  const folder = await createTempDir(disposal);
  const dump = join(folder, 'kyc.dump');
  run('pg_dump', '--format=custom', '--exclude-table-data=identity_keys', `--file=${dump}`, url);
  await store.erasures.releaseHold({ ...by, userId: 1 });
  await store.erasures.erase({ ...by, userId: 1 });
  await store.erasures.erase({ ...by, userId: 3 });
  const inAnHour = new Date(NOW.getTime() + 60 * 60_000);
  await store.erasures.setHold({ ...hold, until: inAnHour, userId: 2 });
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-3', 1), NOW));
  // Who is apart in the dump, and held as one in the original.
  const into = await store.createUser({ externalUserId: 'user-5', auditActor: 'desk', now: NOW });
  const four = { provider: 'paycaddy', subjectRef: 'user-4' } as const;
  await store.linkIdentity({
    ...four,
    userId: into.userId,
    changeActor: 'desk',
    auditActor: 'desk',
    now: NOW,
  });
  await store.erasures.setHold({ ...hold, userId: into.userId });
  const [keys, holds, gone, merged, known] = [
    'identity-keys',
    'legal-holds',
    'erased-users',
    'merged-users',
    'erased-subjects',
  ].map((name) => join(folder, `${name}.copy`));
  psql(
    url,
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    `\\copy identity_keys to '${keys}'`,
    `\\copy legal_holds to '${holds}'`,
    `\\copy (SELECT id FROM users WHERE erased_at IS NOT NULL) to '${gone}'`,
    `\\copy (SELECT id, merged_into FROM users WHERE merged_into IS NOT NULL) to '${merged}'`,
    `\\copy erased_subjects to '${known}'`,
  );
  const other = await createTestDatabase('NOTHING');
  disposal.defer(other.drop);
  run('pg_restore', '--no-owner', '--exit-on-error', `--dbname=${other.url}`, dump);
  await expect(openStore({ ...config, database: other.config }, SILENT)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  psql(
    other.url,
    'CREATE TEMP TABLE kept (LIKE identity_keys)',
    `\\copy kept from '${keys}'`,
    'INSERT INTO identity_keys SELECT kept.* FROM kept JOIN identities i ON i.id = kept.identity_id',
  );
  psql(
    other.url,
    'CREATE TEMP TABLE known (LIKE erased_subjects)',
    `\\copy known from '${known}'`,
    `INSERT INTO erased_subjects SELECT * FROM known
      ON CONFLICT (digest) DO UPDATE SET erased_at = excluded.erased_at`,
  );
  const restored = await openStore({ ...config, database: other.config }, SILENT);
  disposal.defer(() => restored.close());
  // Its hold is in the dump alone: without a key it was erased, so the hold was released.
  const env = {
    DATABASE_URL: other.url,
    DATA_DIR: folder,
    DATA_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
  };
  const out: string[] = [];
  const print = (line: string) => out.push(line);
  const context = { env, dotEnvFile: '/nowhere', print, complain: print, terminal: false };
  expect(await runCli(['restore'], context)).toBe(1);
  expect(out.splice(0)).toEqual(['Without a copy, give --erased-users.']);
  expect(await runCli(['restore', '--erased-users', dump], context)).toBe(1);
  expect(out.splice(0)).toEqual([`${dump}:1: expected the number of a user.`]);
  expect(await runCli(['restore', '--erased-users', gone ?? ''], context)).toBe(0);
  expect(out).toContain('erased again: 2 users, 0 accounts of others');
  const erased = 'SELECT digest, erased_at FROM erased_subjects ORDER BY digest';
  expect(await query(other.config, erased)).toEqual(await query(config.database, erased));
  psql(
    other.url,
    'CREATE TEMP TABLE held (LIKE legal_holds)',
    `\\copy held from '${holds}'`,
    'CREATE TEMP TABLE merged (id bigint, merged_into bigint)',
    `\\copy merged from '${merged}'`,
    'DELETE FROM legal_holds',
    `INSERT INTO legal_holds (user_id, basis, until, set_at)
      SELECT DISTINCT ON (u.id) u.id, held.basis, held.until, held.set_at
      FROM held LEFT JOIN merged h ON h.id = held.user_id CROSS JOIN users u LEFT JOIN merged m ON m.id = u.id
      WHERE coalesce(m.merged_into, u.id) = coalesce(h.merged_into, held.user_id)
        AND u.merged_into IS NULL AND u.erased_at IS NULL
      ORDER BY u.id, coalesce(held.until, '9') DESC`,
  );
  expect(await restored.read.profilesOf([1, 2])).toMatchObject([null, { age: '33' }]);
  expect(await query(other.config, 'SELECT count(*) AS n FROM identity_keys')).toEqual([{ n: 2 }]);
  expect(await restored.erasures.erase({ ...by, userId: 2 })).toMatchObject({ erased: false });
  expect(await restored.erasures.erase({ ...by, userId: 4 })).toMatchObject({ erased: false });
  const inADay = new Date(NOW.getTime() + 24 * 60 * 60_000);
  expect(await restored.erasures.postponeRequests(inADay)).toBe(1);
  expect(await restored.erasures.runDueErasures(inAnHour)).toBe(0);
  expect(await restored.erasures.runDueErasures(inADay)).toBe(1);
  expect(await restored.read.userByExternalId('user-without-account')).toBeNull();
  expect(await restored.audit.verify(null)).toMatchObject({ ok: true });
});
