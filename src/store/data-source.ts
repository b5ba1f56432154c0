/** TypeORM data source of the configured database, for migrations. */

import type { DataSource } from 'typeorm';
import type { DatabaseConfig } from './database/options';
import { createDataSource as createPostgres } from './postgres/data-source';
import { withMigrationLock as migratingPostgres } from './postgres/migration-lock';
import {
  createDataSource as createSqlite,
  openForMigration as migratingSqlite,
} from './sqlite/data-source';
import { getDriver } from './sqlite/driver';

/** Creates a data source that is not initialized. @throws {ConfigError} If a configured file cannot be read. */
export function createDataSource(config: DatabaseConfig): DataSource {
  if (config.kind === 'postgres') return createPostgres(config);
  getDriver(config.driver);
  return createSqlite(config.file);
}

/**
 * Opens the database and runs `work`, which changes tables. No other instance runs migrations at the same time.
 *
 * @throws {ConfigError} If the database cannot be used.
 * @throws {StoreUnavailableError} If the database does not respond.
 */
export function withDataSource<T>(
  config: DatabaseConfig,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  return config.kind === 'sqlite' ? migratingSqlite(config, work) : migratingPostgres(config, work);
}
