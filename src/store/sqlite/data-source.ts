/** TypeORM DataSources on an SQLite file: pragmas, entities, migrations. */

import 'reflect-metadata';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { SqliteConfig } from '../database/options';
import { ENTITIES } from '../entities/entities';
import { getDriver } from './driver';
import { makePrivate } from './folder';
import { toOpeningError } from './opening-error';

/** Maximum time that a connection waits for the lock of another process, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Creates the DataSource of the writing connection, not yet initialized.
 *
 * @param file - Path of the SQLite file. If the file or its folder is missing, creates it for its owner only.
 */
export function createDataSource(file: string): DataSource {
  makePrivate(file);
  return new DataSource({
    ...getDriver().toDataSourceOptions(file, 'CREATE', BUSY_TIMEOUT_MS),
    enableWAL: true,
    entities: ENTITIES,
    migrations: [join(__dirname, '../../../migrations/sqlite/*.{js,ts}')],
    migrationsTransactionMode: 'all',
  });
}

/**
 * Opens the database for migrations and runs `work`.
 *
 * @throws {ConfigError} If the file cannot be used.
 */
export async function openForMigration<T>(
  config: SqliteConfig,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  getDriver(config.driver);
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

/**
 * Creates the DataSource of a read-only connection. A DataSource has one connection, and reads must not run in the transaction of
 * the writer.
 */
export function createReadingDataSource(file: string): DataSource {
  return new DataSource(getDriver().toDataSourceOptions(file, 'READONLY', BUSY_TIMEOUT_MS));
}

/** Settings of the writing connection. Run them after opening it. */
export const WRITER_SETTINGS = [
  // A confirmed commit is on disk and survives a loss of power.
  'PRAGMA synchronous = FULL',
  // Holds the indexes that every delivery updates, so that no page is read or written twice in one group.
  'PRAGMA cache_size = -65536',
  // Overwrites deleted content, so that it cannot be recovered from the file.
  'PRAGMA secure_delete = ON',
  // Keeps statement journals in memory.
  'PRAGMA temp_store = MEMORY',
  // In pages. Most pages of the log are versions of the same few, and a checkpoint copies only the last version.
  'PRAGMA wal_autocheckpoint = 4000',
];

/** Settings of read-only connections. Run them after opening them. */
export const READER_SETTINGS = [
  // In bytes; 2 GiB is the maximum. Reads pages from the page cache of the system without copying them.
  `PRAGMA mmap_size = ${2 ** 31}`,
];
