/** Servers that a test starts for itself. A laptop may lack them; CI may not. */

import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Program = 'redis-server' | 'postgres' | 'pgbouncer' | 'openssl';

/** Where Debian keeps the servers of PostgreSQL, outside of the path. */
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

/** `describe`, or, where the program is missing outside of CI, `describe.skip` and a line that says so. */
export function describeWith(program: Program): jest.Describe {
  if (folderOf(program) !== undefined || process.env.CI === 'true') return describe;
  process.stderr.write(`left out, for want of ${program}: some of ${testFile()}\n`);
  return describe.skip;
}

function testFile(): string {
  return expect.getState().testPath?.split('/test/').at(-1) ?? 'the tests';
}
