/** Files that copies of the database are made of: each appears whole or not at all, and only its owner reads it. */

import { closeSync, fsyncSync, linkSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import sqlite3 from 'sqlite3';
import { DataSource } from 'typeorm';
import type { Connection } from '../database/database';
import { createConnection } from '../sqlite/connection';

/** Why there is no copy. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

const BUSY_TIMEOUT_MS = 5_000;

/** Only its owner may read it, also while it grows. */
export function createEmpty(draft: string, target: string): void {
  try {
    closeSync(openSync(draft, 'wx', 0o600));
  } catch (cause) {
    throw new BackupError(`No file can be written to ${dirname(target)}.`, { cause });
  }
}

/** The file appears whole or not at all, and replaces none. */
export function publish(draft: string, target: string): void {
  flush(draft);
  try {
    linkSync(draft, target);
  } catch (cause) {
    throw new BackupError(`The copy could not be named ${target}.`, { cause });
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
  const dataSource = new DataSource({
    type: 'sqlite',
    database: file,
    flags: mode === 'READONLY' ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE,
    busyTimeout: BUSY_TIMEOUT_MS,
  });
  const connection = await open(dataSource);
  try {
    return await work(connection);
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw new BackupError(`The copy could not be made (${errorCode(cause)}).`, { cause });
  } finally {
    await connection.close();
  }
}

async function open(dataSource: DataSource): Promise<Connection & { close(): Promise<void> }> {
  try {
    await dataSource.initialize();
    return createConnection(dataSource);
  } catch (cause) {
    throw new BackupError(`The database could not be opened (${errorCode(cause)}).`, { cause });
  }
}

/** SQLite's own word for what went wrong, such as `SQLITE_FULL`. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const [code] = 'message' in error ? (/SQLITE_\w+/.exec(String(error.message)) ?? []) : [];
  return code ?? errorCode('cause' in error ? error.cause : null);
}
