/** Opens the configured database, SQLite or PostgreSQL. */

import type { Database, RecordingDatabase } from './database/database';
import type { DatabaseConfig } from './database/options';
import { openPostgres, openRecordingPostgres } from './postgres/open-database';
import { openRecordingSqlite, openSqlite } from './sqlite/open-database';

/**
 * Applies pending migrations.
 *
 * @param onQuery - Called for every statement.
 * @throws {ConfigError} If it is not a database of the gateway.
 * @throws {StoreUnavailableError} If the database is unavailable.
 */
export function openDatabase(
  config: DatabaseConfig,
  onQuery?: (sql: string) => void,
): Promise<Database> {
  return config.kind === 'sqlite' ? openSqlite(config, onQuery) : openPostgres(config, onQuery);
}

/** Opens the connections that the writer thread needs. */
export async function openRecordingDatabase(config: DatabaseConfig): Promise<RecordingDatabase> {
  return config.kind === 'sqlite'
    ? await openRecordingSqlite(config)
    : openRecordingPostgres(config);
}
