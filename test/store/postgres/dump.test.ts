/** The PostgreSQL procedure of docs/operations.md: a dump without keys, the newest keys separately, and a restore of both. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program';
import { openStore } from '../../../src/store/open-store';
import { findCommand } from '../../docs/pages';
import { createTestDatabase, query } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { createTempDir } from '../../support/temp-dir';
import { openTestStore, SILENT } from '../open-test-store';
import { delivery, paycaddy } from '../provider-deliveries';

const disposal = createDisposal();
const NOW = new Date('2024-06-01T12:00:00Z');
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs the command of docs/operations.md that contains `marker`, with the files and databases of the test. */
function runFromPage(marker: string, replacements: Readonly<Record<string, string>>): void {
  const command = Object.entries(replacements).reduce(
    (text, [from, to]) => text.replaceAll(from, to),
    findCommand('docs/operations.md', marker),
  );
  run('sh', '-ec', command);
}

function areThere(): boolean {
  try {
    for (const tool of ['pg_dump', 'pg_restore', 'psql']) run(tool, '--version');
    return true;
  } catch {
    return false;
  }
}

const command = { reason: null, changeActor: 'desk', auditActor: 'desk', now: NOW };
const whereTheyAre = areThere() || process.env.CI ? it : it.skip;

whereTheyAre('later keys decrypt a dump, except data of users erased since', async () => {
  const { store, url, config } = await openTestStore();
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-2', 1), NOW));
  await store.createUser({ externalUserId: 'user-without-account', auditActor: 'desk', now: NOW });
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-4', 1), NOW));
  const hold = { ...command, basis: 'case 4', until: null };
  await store.erasures.setHold({ ...hold, userId: 1 });
  const folder = await createTempDir(disposal);
  const dump = join(folder, 'kyc.dump');
  const files = { '/keys/': `${folder}/`, '"$DATABASE_URL"': `'${url}'` };
  runFromPage('pg_dump', { ...files, 'kyc-$(date -u +%Y%m%dT%H%M%SZ).dump': dump });
  await store.erasures.releaseHold({ ...command, userId: 1 });
  await store.erasures.erase({ ...command, userId: 1 });
  await store.erasures.erase({ ...command, userId: 3 });
  const inAnHour = new Date(NOW.getTime() + 60 * 60_000);
  await store.erasures.setHold({ ...hold, until: inAnHour, userId: 2 });
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-3', 1), NOW));
  // Two users in the dump, merged and under one legal hold in the original.
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
  runFromPage('\\copy identity_keys to', files);
  const other = await createTestDatabase('NOTHING');
  disposal.defer(other.drop);
  const restoring = { ...files, kyc_restored: `'${other.url}'` };
  runFromPage('pg_restore', { ...restoring, 'kyc-….dump': dump });
  await expect(openStore({ ...config, database: other.config }, SILENT)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  runFromPage('TABLE kept', restoring);
  runFromPage('TABLE known', restoring);
  const restored = await openStore({ ...config, database: other.config }, SILENT);
  disposal.defer(() => restored.close());
  // Its hold is only in the dump. It has no key, so it was erased after the hold was released.
  const env = {
    DATABASE_URL: other.url,
    DATA_DIR: folder,
    DATA_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
  };
  const out: string[] = [];
  const print = (line: string) => out.push(line);
  const context = { env, dotEnvFile: '/nowhere', print, printError: print, isTerminal: false };
  expect(await runCli(['restore'], context)).toBe(1);
  expect(out.splice(0)).toEqual(['Pass the backup file, or --erased-users.']);
  expect(await runCli(['restore', '--erased-users', dump], context)).toBe(1);
  expect(out.splice(0)).toEqual([`${dump}:1: each line must be a user number, for example 42.`]);
  expect(
    await runCli(['restore', '--erased-users', join(folder, 'erased-users.copy')], context),
  ).toBe(0);
  expect(out).toContain('Erased 2 users and 0 identities of other users again.');
  const erased = 'SELECT digest, erased_at FROM erased_subjects ORDER BY digest';
  expect(await query(other.config, erased)).toEqual(await query(config.database, erased));
  runFromPage('TABLE held', restoring);
  expect(await restored.read.profilesOf([1, 2])).toMatchObject([null, { age: '33' }]);
  expect(await query(other.config, 'SELECT count(*) AS n FROM identity_keys')).toEqual([{ n: 2 }]);
  expect(await restored.erasures.erase({ ...command, userId: 2 })).toMatchObject({ erased: false });
  expect(await restored.erasures.erase({ ...command, userId: 4 })).toMatchObject({ erased: false });
  const inADay = new Date(NOW.getTime() + 24 * 60 * 60_000);
  expect(await restored.erasures.postponeRequests(inADay)).toBe(1);
  expect(await restored.erasures.runDueErasures(inAnHour)).toBe(0);
  expect(await restored.erasures.runDueErasures(inADay)).toBe(1);
  expect(await restored.read.userByExternalId('user-without-account')).toBeNull();
  expect(await restored.audit.verify(null)).toMatchObject({ ok: true });
});
