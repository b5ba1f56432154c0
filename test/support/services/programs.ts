/** Servers that a test starts for itself. A laptop may lack them; CI may not. */

import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Program = 'redis-server' | 'postgres' | 'pgbouncer' | 'openssl';

/** Debian installs PostgreSQL servers here, outside PATH. */
const POSTGRES_VERSIONS = '/usr/lib/postgresql';

/** Absolute path of the folder that the program is in, or `undefined` if it is not on this machine. */
export function folderOf(program: Program): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...debianFolders(), ...path, '/usr/sbin'].find((folder) =>
    existsSync(join(folder, program)),
  );
}

/** Newest first. */
function debianFolders(): readonly string[] {
  if (!existsSync(POSTGRES_VERSIONS)) return [];
  const versions = readdirSync(POSTGRES_VERSIONS).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(POSTGRES_VERSIONS, version, 'bin'));
}

/** `describe`. If the program is missing outside CI: `describe.skip` with a notice. */
export function describeWith(program: Program): jest.Describe {
  if (folderOf(program) !== undefined || process.env.CI === 'true') return describe;
  process.stderr.write(`left out, for want of ${program}: some of ${testFile()}\n`);
  return describe.skip;
}

function testFile(): string {
  return expect.getState().testPath?.split('/test/').at(-1) ?? 'the tests';
}
