/** Creates the folder and file of the database, readable only by their owner. Every command uses it. */

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates the folder, with mode 0700, if it is missing.
 *
 * @param file - Path of the database.
 * @throws The error of the system if it cannot be created.
 */
export function createPrivateFolder(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
}

/**
 * Creates the file, with mode 0600, if it is missing. If others may read the file, removes their permissions. SQLite itself
 * would create it readable for all, and gives `-wal`, `-shm` and `-journal` files the mode of the database.
 *
 * @param file - Path of the database.
 * @throws The error of the system if it cannot be created.
 */
export function makePrivate(file: string): void {
  createPrivateFolder(file);
  closeSync(openSync(file, 'a', 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`].filter(existsSync)) {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  }
}
