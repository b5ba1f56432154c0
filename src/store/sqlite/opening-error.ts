/** Why an SQLite file could not be opened, for the operator: which variable, which path, which cause. */

import { isNativeError } from 'node:util/types';
import { ConfigError, GatewayError } from '../../domain/errors';
import type { SqliteConfig } from '../database/options';

/** A fault of the file, under the name of the variable that its path comes from. */
export function fileFault({ file, setting }: SqliteConfig, fault: string, cause?: unknown) {
  return new ConfigError([`${setting ?? 'DATABASE_URL'}: ${file} ${fault}`], { cause });
}

/** Names the variable, the path and the cause. Returns an error of another kind unchanged. */
export function toOpeningError(error: unknown, config: SqliteConfig): unknown {
  const code = codeOf(error);
  const words = WORDS[code];
  if (words === undefined || error instanceof ConfigError) return error;
  return fileFault(config, `${words} (${code})`, error);
}

const NOT_WRITABLE = 'cannot be written, or its folder cannot';
const NOT_OPENED = 'cannot be opened or made';

const WORDS: Readonly<Record<string, string>> = {
  SQLITE_NOTADB: 'is not an SQLite database',
  SQLITE_CORRUPT: 'is damaged',
  SQLITE_CANTOPEN: NOT_OPENED,
  SQLITE_PERM: NOT_WRITABLE,
  SQLITE_READONLY: NOT_WRITABLE,
  SQLITE_FULL: 'is on a disk without room',
  SQLITE_IOERR: 'is on a disk that fails',
  SQLITE_BUSY: 'is locked by another program',
  SQLITE_LOCKED: 'is locked by another program',
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: 'is on a disk that is read-only',
  ENOSPC: 'is on a disk without room',
  ENOTDIR: 'is below a file, not a folder',
  EEXIST: 'is below a file, not a folder',
  EISDIR: 'is a folder, not a file',
  ENOENT: NOT_OPENED,
  ELOOP: NOT_OPENED,
  ENAMETOOLONG: 'has a name that is too long',
};

/** Of the error, or of what caused it. */
function codeOf(error: unknown): string {
  if (!isNativeError(error)) return '';
  const [sqlite] = /SQLITE_[A-Z]+/.exec(error.message) ?? [];
  if (sqlite !== undefined) return sqlite;
  if ('code' in error && typeof error.code === 'string' && !(error instanceof GatewayError)) {
    return error.code;
  }
  return codeOf(error.cause);
}
