/** Permissions of the files that the gateway creates: only their owner may read them. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../src/domain/errors';
import { openStore } from '../../../src/store/open-store';
import { lockFile } from '../../../src/store/sqlite/file-lock';
import { type CommandLine, createCommandLine } from '../../cli/command-line';
import { spawnScript } from '../../cli/spawn';
import { createDisposal } from '../../support/disposal';
import { storeConfigOf } from '../../support/store-config';
import { createTempDir } from '../../support/temp-dir';
import { SILENT } from '../open-test-store';

const disposal = createDisposal();
const MAIN = join(__dirname, '../../../src/cli/main.ts');
let commandLine: CommandLine;
let before: number;

beforeEach(() => {
  before = process.umask(0o022);
  commandLine = createCommandLine();
});
afterEach(() => {
  process.umask(before);
  commandLine.remove();
});

/** Lists every file and folder below, as `path mode`. */
function modesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path.slice(folder.length + 1)} ${(statSync(path).mode & 0o777).toString(8)}`;
  });
}

function expectPrivate(folder: string): void {
  const modes = modesOf(folder);
  expect(modes.length).toBeGreaterThan(0);
  expect(modes.filter((line) => !/ [67]00$/.test(line))).toEqual([]);
}

it.each([
  [['migrate']],
  [['keys', 'list']],
  [['keys', 'create', '--name', 'n', '--scope', 'read']],
  [['audit', 'verify']],
  [['replay', '--all']],
])('%j makes them for their owner alone', async (command) => {
  expect(await commandLine.run(...command)).toMatchObject({ code: 0 });
  expectPrivate(join(commandLine.folder));
});

it('a running gateway creates private files, with its log and its lock', async () => {
  const env = { DATA_DIR: join(commandLine.folder, 'data'), PORT: '0' };
  const gateway = spawnScript(MAIN, env, ['start'], commandLine.folder);
  disposal.defer(() => gateway.process.kill('SIGKILL'));
  await gateway.printed('gateway is listening');
  const names = readdirSync(env.DATA_DIR);
  expect(names).toEqual(expect.arrayContaining(['kyc.sqlite-wal', 'kyc.sqlite-shm']));
  expectPrivate(commandLine.folder);
});

it('backup and restore create private files, also from a copy that others may read', async () => {
  const { folder } = commandLine;
  await commandLine.run('migrate');
  const copies = join(folder, 'copies');
  mkdirSync(copies, { mode: 0o700 });
  const backup = await commandLine.run('backup', join(copies, 'copy.sqlite'));
  expect(backup).toMatchObject({ code: 0 });
  expectPrivate(folder);
  for (const name of readdirSync(copies)) chmodSync(join(copies, name), 0o644);
  const other = join(folder, 'other');
  const secrets = readFileSync(join(folder, 'data', 'secrets.env'), 'utf8');
  mkdirSync(other, { mode: 0o700 });
  writeFileSync(join(other, 'secrets.env'), secrets, { mode: 0o600 });
  const restored = await commandLine.runWith(
    { DATA_DIR: other },
    'restore',
    join(copies, 'copy.sqlite'),
  );
  expect(restored).toMatchObject({ code: 0 });
  expectPrivate(other);
});

it('removes the permissions of others from an existing file', async () => {
  await commandLine.run('migrate');
  const file = join(commandLine.folder, 'data', 'kyc.sqlite');
  chmodSync(file, 0o644);
  await commandLine.run('keys', 'list');
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
});

it('the TypeORM command line creates private files', () => {
  const hook = join(__dirname, '../../cli/typescript-hook.cjs');
  const root = join(__dirname, '../../..');
  const script = `require('./ormconfig.ts').default.initialize().then((d) => d.destroy())`;
  const env = { ...process.env, DATA_DIR: join(commandLine.folder, 'data') };
  execFileSync(process.execPath, ['-r', hook, '-e', script], { cwd: root, env });
  expect(existsSync(join(commandLine.folder, 'data', 'kyc.sqlite'))).toBe(true);
  expectPrivate(commandLine.folder);
});

describe('a file that cannot be used', () => {
  async function faultOf(file: string, setting?: 'DATA_DIR'): Promise<string> {
    const database = { kind: 'sqlite', file, ...(setting && { setting }) } as const;
    const error = await openStore(storeConfigOf(database), SILENT).catch((reason) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    return error.message;
  }

  it('is reported with its variable, its path and the cause', async () => {
    const folder = await createTempDir(disposal);
    const text = join(folder, 'text');
    writeFileSync(text, 'this is no database, and long enough to be looked at');
    expect(await faultOf(text)).toBe(
      `DATABASE_URL: ${text} is not an SQLite database (SQLITE_NOTADB)`,
    );
    expect(await faultOf(text, 'DATA_DIR')).toMatch(/^DATA_DIR: /);
    expect(await faultOf(folder)).toBe(`DATABASE_URL: ${folder} is a folder, not a file (EISDIR)`);
    const below = join(text, 'kyc.sqlite');
    expect(await faultOf(below)).toMatch(`DATABASE_URL: ${below} is below a file`);
  });

  it('is reported in the same way by the lock', async () => {
    const folder = await createTempDir(disposal);
    writeFileSync(join(folder, 'text'), '');
    const file = join(folder, 'text', 'kyc.sqlite');
    await expect(lockFile({ kind: 'sqlite', file, setting: 'DATA_DIR' })).rejects.toThrow(
      `DATA_DIR: ${file} is below a file`,
    );
  });
});
