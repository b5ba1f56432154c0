/** The structure of the sources: allowed imports, no cycles, no vague names, no silenced tools. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findCycle, importsFromAbove, trespasses } from './rules';
import { parseSource, readSources } from './source-file';

const ROOT = join(__dirname, '../..');
const SOURCES = readSources('src', 'migrations');

describe('the sources', () => {
  it('are all looked at', () => {
    const paths = SOURCES.map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(100);
    expect(paths).toEqual(
      expect.arrayContaining(['src/config/load-config.ts', 'src/store/store.ts']),
    );
  });

  it('import as the table allows', () => {
    expect(SOURCES.flatMap(trespasses)).toEqual([]);
  });

  it('import from lower folders of their part', () => {
    expect(SOURCES.flatMap(importsFromAbove)).toEqual([]);
  });

  it('import by the path of the file that defines, never of a folder', () => {
    const files = SOURCES.flatMap(({ imports }) => imports.flatMap(({ file }) => file ?? []));
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(files.filter((file) => basename(file) === 'index.ts')).toEqual([]);
  });

  it('import in no circle', () => {
    expect(findCycle(SOURCES)).toEqual([]);
  });

  it('read the environment in one file', () => {
    const readers = SOURCES.filter(({ fromProcess }) => fromProcess.has('env'));
    expect(readers.map(({ path }) => path)).toEqual(['src/config/load-config.ts']);
  });

  it('have no file and no folder for all sorts of things', () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|shared)(\.ts$|\/)|\/types\.ts$/;
    expect(SOURCES.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  it('leave no type open and silence no tool', () => {
    const silenced = /@ts-(ignore|nocheck|expect-error)|biome-ignore|eslint-disable/;
    const open = SOURCES.filter(({ anyType, text }) => anyType || silenced.test(text));
    expect(open.map(({ path }) => path)).toEqual([]);
  });

  it('open with a comment on what they are for', () => {
    const silent = SOURCES.filter(({ text }) => !/^(#!.*\n)?(import '[^']+';\n)?\/\*\*/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });
});

describe('the table', () => {
  const inFile = (path: string, text: string) => trespasses(parseSource(path, text));

  it.each([
    ['src/domain/level.ts', "import { z } from '../providers/registry';"],
    ['src/feed/feed.ts', "import { openStore } from '../store/open-store';"],
    ['src/feed/feed.ts', "import { type Store, openStore } from '../store/open-store';"],
    ['src/graphql/schema.ts', "export { openStore } from '../store/open-store';"],
    ['src/graphql/schema.ts', "export * from '../store/open-store';"],
    ['src/ingest/ingest.ts', "const store = require('../store/open-store');"],
    ['src/ingest/ingest.ts', "const store = await import('../store/open-store');"],
    ['src/ingest/ingest.ts', "import store = require('../store/open-store');"],
    ['src/store/store.ts', "import '../graphql/schema';"],
    ['src/store/store.ts', "type Feed = import('../feed/feed').Feed;"],
    ['src/client/follow.ts', "import { decodeCursor } from '../domain/cursor';"],
    ['src/billing/invoice.ts', "import { LEVELS } from '../domain/level';"],
    ['src/ingest/ingest.ts', "import { Column } from 'typeorm';"],
    ['src/cli/commands/migrate.ts', "import { DataSource } from 'typeorm';"],
    ['src/http/io/router.ts', "import { Field } from 'type-graphql';"],
    ['src/feed/feed.ts', "import { createServer } from 'node:http';"],
    ['src/graphql/request/context.ts', "import { WebSocket } from 'ws';"],
    ['src/store/store.ts', "import { env } from 'node:process';"],
  ])('rejects in %s: %s', (path, text) => {
    expect(inFile(path, text)).toHaveLength(1);
  });

  it.each([
    ['src/domain/level.ts', "import { STATUSES } from './status';"],
    ['src/feed/feed.ts', "import type { Store } from '../store/store';"],
    ['src/feed/feed.ts', "import { type Page, type Store } from '../store/store';"],
    ['src/graphql/schema.ts', "export type { Store } from '../store/store';"],
    ['src/graphql/schema.ts', "import { Field } from 'type-graphql';"],
    ['src/cli/commands/migrate.ts', "import type { DataSource } from 'typeorm';"],
    ['src/gateway.ts', "import { openStore } from './store/open-store';"],
    ['src/ingest/ingest.ts', "// import { Column } from 'typeorm';"],
  ])('accepts in %s: %s', (path, text) => {
    expect(inFile(path, text)).toEqual([]);
  });
});

it('finds an import from a higher folder', () => {
  const inFile = (path: string, text: string) => importsFromAbove(parseSource(path, text));
  expect(inFile('src/http/io/router.ts', "import '../routes/health';")).toHaveLength(1);
  expect(inFile('src/http/io/router.ts', "import '../server';")).toHaveLength(1);
  expect(inFile('src/http/io/router.ts', "import '../limits/cors'; import './json';")).toEqual([]);
  expect(inFile('src/http/server.ts', "import './routes/health';")).toEqual([]);
});

it('finds a cycle', () => {
  const chain = [
    parseSource('src/a.ts', "import './b';"),
    parseSource('src/b.ts', "import type { C } from './c';"),
    parseSource('src/c.ts', "import 'node:fs';"),
  ];
  expect(findCycle(chain)).toEqual([]);
  const circle = [...chain.slice(0, 2), parseSource('src/c.ts', "import './b';")];
  expect(findCycle(circle)).toEqual(['src/b.ts', 'src/c.ts', 'src/b.ts']);
});

it('detects the type `any`, and `process.env` in every notation', () => {
  const named = parseSource('src/a.ts', 'const any = 1; const env = { env: any };');
  expect(named).toMatchObject({ anyType: false, fromProcess: new Set() });
  const open = parseSource('src/a.ts', "let a: any[]; process.exit(0); process['env'].HOME;");
  expect(open).toMatchObject({ anyType: true, fromProcess: new Set(['exit', 'env']) });
});
