/** Opens an SQLite file for migrations. */

import type { DataSource } from 'typeorm';
import type { SqliteConfig } from '../database/options';
import { createDataSource } from './data-source';
import { toOpeningError } from './opening-error';

/** @throws {ConfigError} If the file cannot be used. */
export async function openForMigration<T>(
  config: SqliteConfig,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  let dataSource: DataSource | undefined;
  try {
    dataSource = await createDataSource(config.file).initialize();
    return await work(dataSource);
  } catch (error) {
    throw toOpeningError(error, config);
  } finally {
    await dataSource?.destroy();
  }
}
