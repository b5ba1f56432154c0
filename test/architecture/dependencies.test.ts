/** Installed packages: every dependency is imported and documented, no version is older than a security fix, and every install script is listed. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSources } from './source-file';

interface Locked {
  readonly version?: string;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  readonly optional?: boolean;
}

const ROOT = join(__dirname, '../..');
const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
const {
  dependencies,
  allowScripts,
}: Record<string, Record<string, string | boolean>> = read('package.json');
const LOCKED = Object.entries<Locked>(read('package-lock.json').packages);

/** The first version without the hole that was found in those before. */
const FLOORS = [
  ['ws', '8.21.1'],
  ['@apollo/server', '5.5.0'],
  ['graphql', '16.8.1'],
  ['typeorm', '0.3.26'],
] as const;

/** `node_modules/a/node_modules/@b/c` → `@b/c` */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function isAtLeast(version: string, floor: string): boolean {
  const [left, right] = [version, floor].map((text) => text.split('.').map(Number));
  for (const [index, part] of (right ?? []).entries()) {
    const other = left?.[index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}

it.each(FLOORS)('%s is %s or later, also where others bring it', (name, floor) => {
  const versions = LOCKED.flatMap(([path, { version }]) =>
    nameOf(path) === name && version !== undefined ? [version] : [],
  );
  expect(versions).toContain(dependencies?.[name]);
  expect(versions.filter((version) => !isAtLeast(version, floor))).toEqual([]);
});

it('floors are compared by number', () => {
  expect(['8.21.1', '8.100.0', '9.0.0'].map((one) => isAtLeast(one, '8.21.1'))).not.toContain(
    false,
  );
  expect(['8.21.0', '8.9.9', '7.99.99'].map((one) => isAtLeast(one, '8.21.1'))).not.toContain(true);
});

it('every package with an install script is named, and only that of the database may run', () => {
  const scripted = LOCKED.filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = new Set(scripted.map(([path]) => nameOf(path)));
  const unnamed = [...names].filter((name) => allowScripts?.[name] === undefined);
  expect(unnamed.filter((name) => name !== 'fsevents')).toEqual([]); // for macOS alone, brings its binary with it
  const allowed = Object.entries(allowScripts ?? {}).filter(([, may]) => may);
  expect(allowed).toEqual([['sqlite3', true]]);
});

it('every package is held to one version, and comes with the hash of what it has to be', () => {
  const loose = Object.values(dependencies ?? {}).filter((range) => !/^\d/.test(String(range)));
  expect(loose).toEqual([]);
  // Programs of other platforms, which only developers need, are in the file by name and version alone.
  const installed = LOCKED.filter(([path, { optional }]) => path !== '' && !optional);
  const unproven = installed.filter(([, { integrity }]) => !integrity);
  expect(unproven.map(([path]) => path)).toEqual([]);
});

it('each run-time dependency is in docs/dependencies.md', () => {
  const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');
  const [table = ''] = page.split('## Install scripts');
  const named = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  expect(named).toEqual(Object.keys(dependencies ?? {}).sort());
});

it('`npm ci` does not install better-sqlite3, which compiles for minutes', () => {
  const { peerDependencies, peerDependenciesMeta } = read('package.json');
  expect(peerDependencies).toEqual({ 'better-sqlite3': '^12.0.0' });
  expect(peerDependenciesMeta).toEqual({ 'better-sqlite3': { optional: true } });
  expect(LOCKED.map(([path]) => nameOf(path))).not.toContain('better-sqlite3');
});

it('each run-time dependency is imported', () => {
  const loadedByName = ['pino-pretty'];
  const imported = readSources('src', 'migrations').flatMap(({ imports }) =>
    imports.map(({ specifier }) => specifier),
  );
  const idle = Object.keys(dependencies ?? {}).filter(
    (name) =>
      !loadedByName.includes(name) &&
      !imported.some((specifier) => specifier === name || specifier.startsWith(`${name}/`)),
  );
  expect(idle).toEqual([]);
});
