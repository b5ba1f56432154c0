/** The database's folder and file, which only their owner may read, whichever command makes them. */

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the folder, with mode 0700, if it is missing.
 *
 * @param file - Path of the database. @throws the system's error if it cannot be made.
 */
export function createPrivateFolder(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
}

/**
 * Makes the file, with mode 0600, if it is missing. SQLite would make it readable for all, and gives the files beside it
 * (`-wal`, `-shm`, `-journal`) the mode of the database. Closes a file that others may read.
 *
 * @param file - Path of the database. @throws the system's error if it cannot be made.
 */
export function makePrivate(file: string): void {
  createPrivateFolder(file);
  closeSync(openSync(file, 'a', 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`].filter(existsSync)) {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  }
}
