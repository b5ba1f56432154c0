/** What a gateway of a drill keeps its data in. */

import { join } from 'node:path';
import { createPostgresServer, type PostgresServer } from '../support/own-postgres';
import { folderOf } from '../support/programs';

export const ENGINES = ['sqlite', 'postgres'] as const;
export type Engine = (typeof ENGINES)[number];

export interface Database {
  /** Variables that point a gateway to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Of PostgreSQL. */
  readonly server?: PostgresServer;
  close(): Promise<void>;
}

/** Empty. @param folder - Where a gateway without further ado keeps its data. */
export async function createDatabase(engine: Engine, folder: string): Promise<Database> {
  if (engine === 'sqlite') {
    return { env: { DATABASE_URL: `sqlite:${join(folder, 'kyc.sqlite')}` }, async close() {} };
  }
  const server = await createPostgresServer(folder);
  await server.start();
  return { env: { DATABASE_URL: server.url }, server, close: () => server.end() };
}

/** Why no drill can be held on it here, if so. */
export function obstacleOf(engine: Engine): string | undefined {
  const missing = engine === 'postgres' && folderOf('postgres') === undefined;
  return missing ? 'postgres is not installed' : undefined;
}
