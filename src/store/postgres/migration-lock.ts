/** Opens a database to change its tables, one instance at a time. */

import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../database/options';
import { assertWritable } from './check-server';
import { createDataSource } from './data-source';
import { addressText, toOpeningError } from './opening-error';

/** Any number that no other program uses in this database. */
const LOCK = 7_305_814_220_519;

/**
 * Runs `work` while no other instance changes tables. An instance that comes meanwhile waits, and finds the work done.
 *
 * @throws {ConfigError} if the database cannot be used; {StoreUnavailableError} if it does not answer. Both name the server.
 */
export async function withMigrationLock<T>(
  config: PostgresConfig,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const dataSource = createDataSource(config);
  try {
    await dataSource.initialize();
    await assertWritable(dataSource, addressText(config));
    return await alone(dataSource, () => work(dataSource));
  } catch (error) {
    throw toOpeningError(error, config);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** @param dataSource - Initialized, with two connections to give. */
async function alone<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    try {
      return await work();
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    }
  } finally {
    await runner.release();
  }
}
