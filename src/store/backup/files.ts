/** Files of backups. Each appears complete or not at all, and only its owner can read it. */

import { closeSync, fsyncSync, linkSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DataSource } from 'typeorm';
import type { Connection } from '../database/database';
import { createConnection } from '../sqlite/connection';
import { getDriver, getSqliteCode } from '../sqlite/driver';

/** The backup or restore failed. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

const BUSY_TIMEOUT_MS = 5_000;

/** Creates an empty file that only its owner can read. */
export function createEmpty(draft: string, target: string): void {
  try {
    closeSync(openSync(draft, 'wx', 0o600));
  } catch (cause) {
    throw new BackupError(
      `Cannot write to ${dirname(target)}. Check that the folder exists and is writable.`,
      { cause },
    );
  }
}

/** Renames the complete draft. Replaces no file. */
export function publish(draft: string, target: string): void {
  flush(draft);
  try {
    linkSync(draft, target);
  } catch (cause) {
    throw new BackupError(`Cannot rename the copy to ${target}.`, { cause });
  }
  flush(dirname(target));
}

export function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export async function using<T>(
  file: string,
  mode: 'READONLY' | 'READWRITE',
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const options = getDriver().toDataSourceOptions(file, mode, BUSY_TIMEOUT_MS);
  const connection = await open(new DataSource(options));
  try {
    return await work(connection);
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw new BackupError(`Cannot create the copy (${errorCode(cause)}).`, { cause });
  } finally {
    await connection.close();
  }
}

async function open(dataSource: DataSource): Promise<Connection & { close(): Promise<void> }> {
  try {
    await dataSource.initialize();
    return createConnection(dataSource);
  } catch (cause) {
    throw new BackupError(`Cannot open the database (${errorCode(cause)}).`, { cause });
  }
}

/** Returns the error code of SQLite, such as `SQLITE_FULL`. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  return getSqliteCode(error) ?? errorCode('cause' in error ? error.cause : null);
}
