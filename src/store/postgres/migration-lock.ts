/** Opens a PostgreSQL database for migrations, one instance at a time. */

import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../database/options';
import { assertWritable } from './check-server';
import { createDataSource } from './data-source';
import { addressText, toOpeningError } from './opening-error';

/** Key of the advisory lock. Any number that no other program uses in this database. */
const LOCK = 7_305_814_220_519;

/**
 * Runs `work` while no other instance runs migrations. Other instances wait, then find nothing to do.
 *
 * @throws {ConfigError} If the database cannot be used.
 * @throws {StoreUnavailableError} If it does not respond. Both errors name the server.
 */
export async function withMigrationLock<T>(
  config: PostgresConfig,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const dataSource = createDataSource(config);
  try {
    await dataSource.initialize();
    await assertWritable(dataSource, addressText(config));
    return await withLock(dataSource, () => work(dataSource));
  } catch (error) {
    throw toOpeningError(error, config);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** @param dataSource - Initialized, with two free connections. */
async function withLock<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
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
