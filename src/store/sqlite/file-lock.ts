/** One gateway per SQLite file: what one has in mind of the data, another one must not change behind its back. */

import { chmodSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { ConfigError } from '../../domain/errors';
import { makeFolderOf } from './folder';

export interface FileLock {
  /** Releasing again does nothing. */
  release(): Promise<void>;
}

/**
 * Held until it is released or the process ends, however it ends: it is the operating system's lock on a file of its own,
 * which stays behind empty. Commands that work beside a gateway, such as `replay`, do without.
 *
 * @param file - Path of the database; its folder is made if it is missing.
 * @throws {ConfigError} if its folder cannot be made, or another gateway holds it, after waiting a second for one that is about to end.
 */
export async function lockFile(file: string): Promise<FileLock> {
  makeFolderOf(file);
  const lock = await openLock(`${targetOf(file)}-lock`);
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

async function openLock(path: string): Promise<sqlite3.Database> {
  const lock = await open(path);
  try {
    await begin(lock);
    chmodSync(path, 0o600);
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
      else reject(fault(WRITABLE, cause));
    });
    database.configure('busyTimeout', HANDOVER_MS);
  });
}

/** A transaction that is never committed: nothing is written, nothing has to be mended after a crash. */
function begin(database: sqlite3.Database): Promise<void> {
  return new Promise((resolve, reject) => {
    database.exec('BEGIN EXCLUSIVE', (cause) => {
      if (cause === null) resolve();
      else if (!cause.message.startsWith('SQLITE_BUSY')) reject(fault(WRITABLE, cause));
      else reject(fault('a file on which no other gateway runs; stop that one first', cause));
    });
  });
}

/** For a gateway that is just about to end. In milliseconds. */
const HANDOVER_MS = 1_000;

const WRITABLE = 'a file on a disk that can be written and has room, for its lock too';

function fault(expected: string, cause: Error): ConfigError {
  return new ConfigError([`DATABASE_URL: expected ${expected}`], { cause });
}

function close(database: sqlite3.Database): Promise<void> {
  return new Promise((resolve) => database.close(() => resolve()));
}
