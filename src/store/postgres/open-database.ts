/** Opens a PostgreSQL database: migrations, one writing connection, pools of reading ones. */

import type { Database, RecordingDatabase } from '../database/database';
import type { PostgresConfig } from '../database/options';
import { assertRights } from './check-server';
import { addressOf, limited, WRITER_LIMITS } from './connect';
import { withMigrationLock } from './migration-lock';
import { createPool } from './pool';
import { saveUnitOfWork, WRITING } from './save';
import { Session } from './session';
import { createStatements, type ToStatement } from './statement';

/**
 * Applies the migrations that are missing, once, however many instances open it at a time.
 *
 * @param onQuery - Told of every statement.
 * @throws {ConfigError} if the database cannot be used; {StoreUnavailableError} if it does not answer. Both name the server.
 */
export async function openPostgres(
  config: PostgresConfig,
  onQuery?: (sql: string) => void,
): Promise<Database> {
  const migrations = await migrate(config);
  const toStatement = createStatements();
  const recording = openSessions(config, toStatement, onQuery);
  const client = limited(addressOf(config));
  // Apart: who waits for a view of the data may hold one, and both would wait for the same connections.
  const readers = Math.floor((config.maxConnections - 2) / 2);
  const reading = createPool({ config: client, max: readers, toStatement, onQuery });
  const views = createPool({
    config: client,
    max: config.maxConnections - 2 - readers,
    toStatement,
    onQuery,
  });

  return {
    ...recording,
    reading,
    queryJson: null,
    snapshot: views.snapshot,
    async longSnapshot(work) {
      const own = createPool({ config: client, max: 1, toStatement, onQuery });
      return await own.snapshot(work).finally(() => own.close());
    },
    migrations,
    wipe: async () => true, // the server's own vacuum does; see docs/operations.md
    async close() {
      for (const each of [reading, views, recording]) await each.close();
    },
  };
}

/** As much of it as a thread needs that does nothing but record, of a database that has its tables. */
export function openRecordingPostgres(config: PostgresConfig): RecordingDatabase {
  return openSessions(config, createStatements());
}

function openSessions(
  address: PostgresConfig,
  toStatement: ToStatement,
  onQuery?: (sql: string) => void,
): RecordingDatabase {
  const config = limited(addressOf(address));
  const writing = new Session({ config, toStatement, onQuery, setUp: [WRITER_LIMITS, ...WRITING] });
  /** Version of the data after the last save, or at the last check. */
  let knownVersion: number | null = null;
  return {
    writing,
    async isStale() {
      const isStale = writing.lockedVersion !== knownVersion;
      knownVersion = writing.lockedVersion;
      return isStale;
    },
    async save(unit) {
      knownVersion = (await saveUnitOfWork(unit, writing)) ?? knownVersion;
    },
    close: () => writing.close(),
  };
}

/** @returns how many migrations there are. */
function migrate(config: PostgresConfig): Promise<number> {
  return withMigrationLock(config, async (dataSource) => {
    await dataSource.runMigrations();
    await assertRights(dataSource);
    return dataSource.migrations.length;
  });
}
