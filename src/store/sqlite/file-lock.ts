/** Ensures one gateway per SQLite file: a gateway keeps state in memory that another one must not change. */

import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SqliteConfig } from '../database/options';
import { getDriver, getSqliteCode, type SqliteHandle } from './driver';
import { createPrivateFolder, makePrivate } from './folder';
import { fileFault, toOpeningError } from './opening-error';

export interface FileLock {
  /** Releasing again does nothing. */
  release(): Promise<void>;
}

/**
 * Locks the database for this gateway until `release` or the end of the process, even by a crash: it is a lock of the operating
 * system on a separate file, which remains, empty. Commands that run while a gateway runs, such as `replay`, do not take it.
 *
 * @param config - If the folder of the database is missing, creates it.
 * @throws {ConfigError} If the folder cannot be created, or another gateway keeps the lock for longer than `HANDOVER_MS`.
 */
export async function lockFile(config: SqliteConfig): Promise<FileLock> {
  const lock = await openLock(config).catch((error: unknown) => {
    throw toOpeningError(error, config);
  });
  let isLocked = true;
  return {
    async release() {
      if (isLocked) await lock.close();
      isLocked = false;
    },
  };
}

/** Resolves links, so that every name of the file gives the same lock. */
function resolveTarget(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return join(realpathSync(dirname(file)), basename(file)); // the file does not exist yet
  }
}

async function openLock(config: SqliteConfig): Promise<SqliteHandle> {
  createPrivateFolder(config.file);
  const path = `${resolveTarget(config.file)}-lock`;
  makePrivate(path);
  const lock = await getDriver(config.driver).open(path, HANDOVER_MS);
  try {
    await begin(lock, config);
    return lock;
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** Begins a transaction that is never committed. Nothing is written, so a crash needs no recovery. */
async function begin(lock: SqliteHandle, config: SqliteConfig): Promise<void> {
  const statement = await lock.prepare('BEGIN EXCLUSIVE');
  try {
    await statement.all([]);
  } catch (cause) {
    if (getSqliteCode(cause) !== 'SQLITE_BUSY') throw cause;
    throw fileFault(config, inUse(config), cause);
  } finally {
    await statement.finalize();
  }
}

function inUse({ setting }: SqliteConfig): string {
  const other = setting === undefined ? 'another file' : 'another folder';
  return `is in use by another gateway; stop that gateway, or set ${setting ?? 'DATABASE_URL'} to ${other}`;
}

/** Maximum time to wait for a gateway that is shutting down, in milliseconds. */
const HANDOVER_MS = 1_000;
