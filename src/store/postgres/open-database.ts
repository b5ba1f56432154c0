/** Opens a PostgreSQL database: migrations, one write connection, pools of read connections. */

import type { Database, RecordingDatabase } from '../database/database';
import type { PostgresConfig } from '../database/options';
import { runMigrations } from '../database/run-migrations';
import { assertRights } from './check-server';
import { toClientConfig, WRITER_LIMITS, withLimits } from './connect';
import { withMigrationLock } from './migration-lock';
import { createPool } from './pool';
import { saveUnitOfWork, WRITER_SETTINGS } from './save';
import { Session } from './session';
import { createStatements, type ToStatement } from './statement';

/**
 * Opens the database and applies missing migrations, once even if several instances open it at the same time.
 *
 * @param onQuery - Called with each statement.
 * @throws {ConfigError} If the database cannot be used.
 * @throws {StoreUnavailableError} If it does not respond. Both errors name the server.
 */
export async function openPostgres(
  config: PostgresConfig,
  onQuery?: (sql: string) => void,
): Promise<Database> {
  const migrations = await migrate(config);
  const toStatement = createStatements();
  const recording = openSessions(config, toStatement, onQuery);
  const client = withLimits(toClientConfig(config));
  // Two pools. In a shared pool, requests that have a snapshot and wait for a read could block each other.
  const readers = Math.floor((config.maxConnections - 2) / 2);
  const reading = createPool({ config: client, max: readers, toStatement, onQuery });
  const snapshots = createPool({
    config: client,
    max: config.maxConnections - 2 - readers,
    toStatement,
    onQuery,
  });

  return {
    ...recording,
    reading,
    queryJson: null,
    snapshot: snapshots.snapshot,
    async longSnapshot(work) {
      const own = createPool({ config: client, max: 1, toStatement, onQuery });
      return await own.snapshot(work).finally(() => own.close());
    },
    migrations,
    wipe: async () => true, // the vacuum of the server does it; see docs/operations.md
    async close() {
      for (const each of [reading, snapshots, recording]) await each.close();
    },
  };
}

/** Opens only the write connection, for the writer thread. The database must have its tables. */
export function openRecordingPostgres(config: PostgresConfig): RecordingDatabase {
  return openSessions(config, createStatements());
}

function openSessions(
  address: PostgresConfig,
  toStatement: ToStatement,
  onQuery?: (sql: string) => void,
): RecordingDatabase {
  const config = withLimits(toClientConfig(address));
  const writing = new Session({
    config,
    toStatement,
    onQuery,
    setUp: [WRITER_LIMITS, ...WRITER_SETTINGS],
  });
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

/** Applies missing migrations. Returns the number of migrations. */
function migrate(config: PostgresConfig): Promise<number> {
  return withMigrationLock(config, async (dataSource) => {
    await runMigrations(dataSource);
    await assertRights(dataSource);
    return dataSource.migrations.length;
  });
}
