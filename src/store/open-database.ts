/** Opens the configured database, in whichever engine. */

import type { Database, RecordingDatabase } from './database/database';
import type { DatabaseConfig } from './database/options';
import { openPostgres, openRecordingPostgres } from './postgres/open-database';
import { openRecordingSqlite, openSqlite } from './sqlite/open-database';

/**
 * Applies the migrations that are missing.
 *
 * @param onQuery - Told of every statement.
 * @throws {ConfigError} if it is no database, or not for us; {StoreUnavailableError} if it is away.
 */
export function openDatabase(
  config: DatabaseConfig,
  onQuery?: (sql: string) => void,
): Promise<Database> {
  return config.kind === 'sqlite' ? openSqlite(config, onQuery) : openPostgres(config, onQuery);
}

/** As much of it as a thread needs that does nothing but record. */
export async function openRecordingDatabase(config: DatabaseConfig): Promise<RecordingDatabase> {
  return config.kind === 'sqlite'
    ? await openRecordingSqlite(config)
    : openRecordingPostgres(config);
}
