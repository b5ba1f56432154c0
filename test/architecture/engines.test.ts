/** Every test that touches a store runs on both engines. */

import { readSources } from './source-file';

const { STORE_TESTS }: { readonly STORE_TESTS: readonly string[] } =
  require('../../jest.config.js');

/** Module that creates stores for tests. */
const STORES = 'test/support/databases.ts';

/** These make a store of their own, on SQLite alone, for what is not about it. */
const APART = ['test/cli/commands/simulate.test.ts'];

const SOURCES = readSources('test');
const BY_PATH = new Map(SOURCES.map((source) => [source.path, source]));

function touchesStore(path: string, seen = new Set<string>()): boolean {
  if (path === STORES || path === 'src/store/open-store.ts') return true;
  if (seen.has(path)) return false;
  seen.add(path);
  const imports = BY_PATH.get(path)?.imports ?? [];
  return imports.some(
    ({ file, typeOnly }) => file !== null && !typeOnly && touchesStore(file, seen),
  );
}

/** As Jest matches them: a folder with all below it, or a file. */
function runsOnPostgres(path: string): boolean {
  return STORE_TESTS.map((glob) => glob.replace('<rootDir>/', '')).some((glob) =>
    glob.endsWith('/**/*.test.ts') ? path.startsWith(glob.slice(0, -12)) : path === glob,
  );
}

it('every test that touches a store is in the list of those that run on PostgreSQL', () => {
  const tests = SOURCES.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'));
  const touching = tests.filter((path) => touchesStore(path));
  expect(touching.length).toBeGreaterThan(20);
  expect(touching.filter((path) => !runsOnPostgres(path))).toEqual(APART);
});
