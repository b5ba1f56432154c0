/** The folder that the database is in. */

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../../domain/errors';

/**
 * Makes it if it is missing, for its owner alone.
 *
 * @param file - Path of the database.
 * @throws {ConfigError} if it cannot be made.
 */
export function makeFolderOf(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    const message = 'DATA_DIR, or the path in DATABASE_URL: expected a folder that can be written';
    throw new ConfigError([message], { cause });
  }
}
