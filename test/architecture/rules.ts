/** The import table, and the checks that enforce it. */

import type { Import, SourceFile } from './source-file';

export interface Allowance {
  /** Parts of which anything may be imported. */
  readonly all: readonly string[];
  /** Parts whose types may be imported. Their behavior arrives as an argument. */
  readonly types?: readonly string[];
}

const EVERYTHING = 'everything';

/** A part is a folder of `src`, or a file next to the folders. */
export const MAY_IMPORT: Readonly<Record<string, Allowance>> = {
  domain: { all: [] },
  encryption: { all: [] },
  client: { all: [] }, // runs in other programs
  projector: { all: ['domain', 'encryption'] },
  providers: { all: ['domain'] },
  observability: { all: ['domain'] },
  store: { all: ['domain', 'encryption', 'projector'] },
  migrations: { all: [] },
  access: { all: ['domain'], types: ['store'] },
  feed: { all: ['domain'], types: ['store'] },
  ingest: { all: ['domain'], types: ['providers', 'store', 'feed'] },
  graphql: { all: ['domain'], types: ['access', 'feed', 'providers', 'store'] },
  http: { all: ['domain', 'graphql', 'ingest'], types: ['access', 'feed', 'store'] },
  jobs: {
    all: ['domain'],
    types: ['ingest', 'observability', 'providers', 'store'],
  },
  config: {
    all: ['domain'],
    types: ['access', 'encryption', 'graphql', 'http', 'jobs', 'providers', 'store'], // options
  },
  index: { all: ['client'] },
  gateway: { all: [EVERYTHING] },
  main: { all: [EVERYTHING] },
  cli: { all: [EVERYTHING] },
};

interface Reserved {
  readonly packages: RegExp;
  /** Files that may import them, beginnings of paths. */
  readonly in: readonly string[];
  /** Path prefixes of files that may import the types as well. */
  readonly typesIn?: readonly string[];
}

const RESERVED: readonly Reserved[] = [
  {
    packages: /^(typeorm|sqlite3|better-sqlite3)(\/|$)/,
    in: ['src/store/'],
    typesIn: ['src/cli/commands/migrate.ts', 'migrations/'],
  },
  { packages: /^pg(\/|$)/, in: ['src/store/', 'src/feed/wakeup/postgres.ts'] },
  { packages: /^@redis\/client(\/|$)/, in: ['src/feed/wakeup/redis.ts'] },
  { packages: /^type-graphql(\/|$)/, in: ['src/graphql/'] },
  {
    // `watch` is a client of the gateway and connects over a WebSocket.
    packages: /^(node:)?(http|https|http2|net|tls)$|^(ws|graphql-ws|@apollo\/server)(\/|$)/,
    in: ['src/http/', 'src/cli/commands/watch.ts'],
  },
  { packages: /^(node:)?process$/, in: [] }, // would be a second way to `process.env`
];

/** Folders of a part, lowest first. A folder imports from no higher folder, and from no file at the top of the part. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  http: ['limits', 'io', 'routes', 'websocket'],
};

/** `a.ts imports b` for every import from a higher folder of the same part. */
export function importsFromAbove(source: SourceFile): readonly string[] {
  const part = partOf(source.path);
  const rank = rankOf(source.path);
  if (FOLDERS[part] === undefined) return [];
  return source.imports
    .filter(({ file }) => file !== null && partOf(file) === part && rankOf(file) > rank)
    .map(({ specifier, typeOnly }) => tell(source.path, specifier, typeOnly));
}

/** Files at the top of a part, and folders that are not listed, rank highest. */
function rankOf(path: string): number {
  const [, part = '', folder = ''] = path.split('/');
  const rank = FOLDERS[part]?.indexOf(folder) ?? -1;
  return rank < 0 ? Number.POSITIVE_INFINITY : rank;
}

/** `a.ts imports b` for every import that no row of the tables allows. */
export function trespasses(source: SourceFile): readonly string[] {
  return source.imports
    .filter((imported) => !isAllowed(source.path, imported))
    .map(({ specifier, typeOnly }) => tell(source.path, specifier, typeOnly));
}

function isAllowed(path: string, imported: Import): boolean {
  return imported.file === null
    ? isAllowedPackage(path, imported)
    : isAllowedPart(partOf(path), partOf(imported.file), imported.typeOnly);
}

function isAllowedPart(from: string, to: string, typeOnly: boolean): boolean {
  const row = MAY_IMPORT[from];
  if (row === undefined) return false; // a new part has to be entered
  if (from === to || row.all.includes(to) || row.all.includes(EVERYTHING)) return true;
  return typeOnly && row.types?.includes(to) === true;
}

function isAllowedPackage(path: string, { specifier, typeOnly }: Import): boolean {
  const reserved = RESERVED.find(({ packages }) => packages.test(specifier));
  if (reserved === undefined) return true;
  const places = [...reserved.in, ...(typeOnly ? (reserved.typesIn ?? []) : [])];
  return places.some((place) => path.startsWith(place));
}

function tell(path: string, specifier: string, typeOnly: boolean): string {
  return `${path} imports ${typeOnly ? 'types of ' : ''}${specifier}`;
}

/** `src/store/entities/user.entity.ts` → `store`, `src/config/load-config.ts` → `config`, `migrations/1-x.ts` → `migrations`. */
function partOf(path: string): string {
  const [root = '', second = ''] = path.split('/');
  return root === 'src' ? second.replace(/\.ts$/, '') : root;
}

/** The files of one import cycle, first and last equal. Empty if there is no cycle. */
export function findCycle(sources: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const cleared = new Set<string>();

  function follow(path: string, trail: readonly string[]): readonly string[] {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (cleared.has(path)) return [];
    for (const { file } of byPath.get(path)?.imports ?? []) {
      const cycle = file === null ? [] : follow(file, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    cleared.add(path);
    return [];
  }

  for (const { path } of sources) {
    const cycle = follow(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
