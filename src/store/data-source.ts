/** TypeORM's DataSource of the configured database, for migrations. */

import type { DataSource } from 'typeorm';
import type { DatabaseConfig } from '../config/database';
import { createDataSource as createPostgres } from './postgres/data-source';
import { alone } from './postgres/migrate';
import { createDataSource as createSqlite } from './sqlite/data-source';

/** Not yet initialized. @throws {ConfigError} if a file that the configuration names cannot be read. */
export function createDataSource(config: DatabaseConfig): DataSource {
  return config.kind === 'sqlite' ? createSqlite(config.file) : createPostgres(config);
}

/** Runs `work`, which changes tables, while no other instance does the like. @param dataSource - Initialized. */
export function migrating<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  return dataSource.options.type === 'postgres' ? alone(dataSource, work) : work();
}
