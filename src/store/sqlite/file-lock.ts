/** One gateway per SQLite file: what one has in mind of the data, another one must not change behind its back. */

import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import type { SqliteConfig } from '../database/options';
import { createPrivateFolder, makePrivate } from './folder';
import { fileFault, toOpeningError } from './opening-error';

export interface FileLock {
  /** Releasing again does nothing. */
  release(): Promise<void>;
}

/**
 * Held until it is released or the process ends, however it ends: it is the operating system's lock on a file of its own,
 * which stays behind empty. Commands that work beside a gateway, such as `replay`, do without.
 *
 * @param config - Its database's folder is made if it is missing.
 * @throws {ConfigError} if its folder cannot be made, or another gateway holds it, after waiting a second for one that is about to end.
 */
export async function lockFile(config: SqliteConfig): Promise<FileLock> {
  const lock = await openLock(config).catch((error: unknown) => {
    throw toOpeningError(error, config);
  });
  let held = true;
  return {
    async release() {
      if (held) await close(lock);
      held = false;
    },
  };
}

/** The same for every name of the file. */
function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return join(realpathSync(dirname(file)), basename(file)); // not there yet
  }
}

async function openLock(config: SqliteConfig): Promise<sqlite3.Database> {
  createPrivateFolder(config.file);
  const path = `${targetOf(config.file)}-lock`;
  makePrivate(path);
  const lock = await open(path);
  try {
    await begin(lock, config);
    return lock;
  } catch (error) {
    await close(lock);
    throw error;
  }
}

function open(path: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(path, (cause) => {
      if (cause === null) resolve(database);
      else reject(cause);
    });
    database.configure('busyTimeout', HANDOVER_MS);
  });
}

/** A transaction that is never committed: nothing is written, nothing has to be mended after a crash. */
function begin(database: sqlite3.Database, config: SqliteConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    database.exec('BEGIN EXCLUSIVE', (cause) => {
      if (cause === null) resolve();
      else if (!cause.message.startsWith('SQLITE_BUSY')) reject(cause);
      else reject(fileFault(config, inUse(config), cause));
    });
  });
}

function inUse({ setting }: SqliteConfig): string {
  const other = setting === undefined ? 'another file' : 'another folder';
  return `is in use by another gateway; stop that one, or set ${setting ?? 'DATABASE_URL'} to ${other}`;
}

/** For a gateway that is just about to end. In milliseconds. */
const HANDOVER_MS = 1_000;

function close(database: sqlite3.Database): Promise<void> {
  return new Promise((resolve) => database.close(() => resolve()));
}
