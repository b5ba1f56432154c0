/** The database of a drill. */

import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  createPostgresServer,
  FAST,
  IMMEDIATE,
  type PostgresServer,
} from '../../support/services/own-postgres';
import { folderOf } from '../../support/services/programs';

export const ENGINES = ['sqlite', 'postgres'] as const;
export type Engine = (typeof ENGINES)[number];

export interface Database {
  /** Variables that point a gateway to it. */
  readonly env: Readonly<Record<string, string>>;
  /** PostgreSQL only. */
  readonly server?: PostgresServer;
  /** Copies the files of the database. SQLite: while no gateway runs. */
  copy(): Promise<void>;
  /** Puts the copy in the place of the database, which then is as it was. SQLite: while no gateway runs. */
  goBack(): Promise<void>;
  close(): Promise<void>;
}

/** Empty. @param folder - Where a gateway without further ado keeps its data. */
export async function createDatabase(engine: Engine, folder: string): Promise<Database> {
  if (engine === 'sqlite') {
    return sqliteIn(folder);
  }
  const server = await createPostgresServer(folder);
  await server.start();
  return {
    env: { DATABASE_URL: server.url },
    server,
    async copy() {
      await server.end(FAST);
      server.copy();
      await server.start();
    },
    async goBack() {
      await server.end(IMMEDIATE);
      server.goBack();
      await server.start();
    },
    close: () => server.end(),
  };
}

function sqliteIn(folder: string): Database {
  const name = 'kyc.sqlite';
  const copies = join(folder, 'copies');
  const move = (from: string, to: string) => {
    for (const file of readdirSync(to)) if (file.startsWith(name)) rmSync(join(to, file));
    for (const file of readdirSync(from)) {
      if (file.startsWith(name)) copyFileSync(join(from, file), join(to, file));
    }
  };
  return {
    env: { DATABASE_URL: `sqlite:${join(folder, name)}` },
    async copy() {
      mkdirSync(copies, { recursive: true });
      move(folder, copies);
    },
    async goBack() {
      move(copies, folder);
    },
    async close() {},
  };
}

/** Reason why the engine is not available on this machine, if any. */
export function obstacleOf(engine: Engine): string | undefined {
  const missing = engine === 'postgres' && folderOf('postgres') === undefined;
  return missing ? 'postgres is not installed' : undefined;
}
