/** TypeORM DataSources on an SQLite file: pragmas, entities, migrations. */

import 'reflect-metadata';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { DataSource } from 'typeorm';
import { ENTITIES } from '../entities/entities';
import { makePrivate } from './folder';

/**
 * TypeORM switches the driver to tracing, which writes out every parameter of every call in case it fails: half of the time
 * of a write, and personal data where nobody looks for it.
 */
const UNTRACED_DRIVER = { ...sqlite3, verbose: () => sqlite3 };

/** How long a connection waits for another process to let go of the file, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * The connection that writes. Not yet initialized.
 *
 * @param file - Path of the SQLite file; it and its folder are made if they are missing, for their owner alone.
 */
export function createDataSource(file: string): DataSource {
  makePrivate(file);
  return new DataSource({
    type: 'sqlite',
    driver: UNTRACED_DRIVER,
    database: file,
    enableWAL: true,
    busyTimeout: BUSY_TIMEOUT_MS,
    entities: ENTITIES,
    migrations: [join(__dirname, '../../../migrations/sqlite/*.{js,ts}')],
    migrationsTransactionMode: 'all',
  });
}

/** A connection that can only read: a DataSource has one, and readers must not stand in the writer's transaction. */
export function createReadingDataSource(file: string): DataSource {
  return new DataSource({
    type: 'sqlite',
    driver: UNTRACED_DRIVER,
    database: file,
    flags: sqlite3.OPEN_READONLY,
    busyTimeout: BUSY_TIMEOUT_MS,
  });
}

/** Of the connection that writes, set after it is open. */
export const WRITING = [
  // A commit is on the disk when it is answered, also through a loss of power.
  'PRAGMA synchronous = FULL',
  // The indexes that every delivery adds to, so that none of their pages is read or written twice for one group.
  'PRAGMA cache_size = -65536',
  // What is deleted is overwritten, so that nobody finds it in the file who looks for more than rows.
  'PRAGMA secure_delete = ON',
  // What a statement could have to take back stays in memory.
  'PRAGMA temp_store = MEMORY',
  // In pages. Most pages of the log are further versions of the same few, and only the last is copied to the file.
  'PRAGMA wal_autocheckpoint = 4000',
];

/** Of connections that only read, set after they are open. */
export const READING = [
  // Pages are read where the system keeps them, not copied out of there one by one. In bytes; 2 GiB is the most there is.
  `PRAGMA mmap_size = ${2 ** 31}`,
];
