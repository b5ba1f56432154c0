/** Opens a PostgreSQL database: migrations, one writing connection, pools of reading ones. */

import { InvariantError } from '../../domain/errors';
import type { Database, RecordingDatabase } from '../database/database';
import type { PostgresConfig } from '../database/options';
import { assertRights } from './check-server';
import { addressOf, limited, READER_LIMITS, WRITER_LIMITS } from './connect';
import { withMigrationLock } from './migration-lock';
import { createOptimisticWrite } from './optimistic-write';
import { createPool } from './pool';
import { FINDING, saveGraph, WRITING } from './save';
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
  config: PostgresConfig,
  toStatement: ToStatement,
  onQuery?: (sql: string) => void,
): RecordingDatabase {
  const options = { config: limited(addressOf(config)), toStatement, onQuery };
  const writing = new Session({ ...options, setUp: [WRITER_LIMITS, ...WRITING] });
  const contention = createOptimisticWrite();
  const loading = new Session({ ...options, setUp: [READER_LIMITS, ...FINDING] });
  return {
    writing,
    loading,
    async version() {
      contention.assertQuiet();
      const [row] = await writing.query<{ version: number }>('SELECT version FROM sequencer');
      if (row === undefined) throw new InvariantError('Sequencer row is missing');
      return row.version;
    },
    save(unit, version) {
      const save = () => saveGraph(unit, writing, version);
      return version === null ? save() : contention.watch(save);
    },
    async close() {
      await loading.close();
      await writing.close();
    },
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
