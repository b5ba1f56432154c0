/** TypeORM's DataSource of the configured database, for migrations. */

import type { DataSource } from 'typeorm';
import type { DatabaseConfig } from './database/options';
import { createDataSource as createPostgres } from './postgres/data-source';
import { withMigrationLock as migratingPostgres } from './postgres/migration-lock';
import {
  createDataSource as createSqlite,
  openForMigration as migratingSqlite,
} from './sqlite/data-source';

/** Not yet initialized. @throws {ConfigError} if a file that the configuration names cannot be read. */
export function createDataSource(config: DatabaseConfig): DataSource {
  return config.kind === 'sqlite' ? createSqlite(config.file) : createPostgres(config);
}

/**
 * Opens the database and runs `work`, which changes tables, while no other instance does the same.
 *
 * @throws {ConfigError} if the database cannot be used; {StoreUnavailableError} if it does not answer.
 */
export function migrating<T>(
  config: DatabaseConfig,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  return config.kind === 'sqlite' ? migratingSqlite(config, work) : migratingPostgres(config, work);
}
