/** Every test that opens a store runs on both engines, except those with a reason in `SQLITE_ONLY`. */

import { readSources } from './source-file';

const {
  STORE_TESTS,
  SQLITE_ONLY,
}: {
  readonly STORE_TESTS: readonly string[];
  readonly SQLITE_ONLY: Readonly<Record<string, string>>;
} = require('../../jest.config.js');

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
function isListed(path: string): boolean {
  return STORE_TESTS.map((glob) => glob.replace('<rootDir>/', '')).some((glob) =>
    glob.endsWith('/**/*.test.ts') ? path.startsWith(glob.slice(0, -12)) : path === glob,
  );
}

it('every test that touches a store is in the list of those that run on PostgreSQL', () => {
  const tests = SOURCES.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'));
  const touching = tests.filter((path) => touchesStore(path));
  expect(touching.length).toBeGreaterThan(20);
  expect(touching.filter((path) => !isListed(path))).toEqual(APART);
});

it('each exception names a test of the list and gives a reason', () => {
  for (const [path, reason] of Object.entries(SQLITE_ONLY)) {
    expect([path, BY_PATH.has(path), isListed(path)]).toEqual([path, true, true]);
    expect(reason).toMatch(/^[A-Z].{10,}\.$/);
  }
});
