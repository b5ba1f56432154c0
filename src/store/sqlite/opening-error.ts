/** Errors of opening an SQLite file, with the variable, the path and the cause for the operator. */

import { isNativeError } from 'node:util/types';
import { ConfigError, GatewayError } from '../../domain/errors';
import type { SqliteConfig } from '../database/options';
import { getSqliteCode } from './driver';

/** Creates an error with the name of the variable that sets the path. */
export function fileFault({ file, setting }: SqliteConfig, fault: string, cause?: unknown) {
  return new ConfigError([`${setting ?? 'DATABASE_URL'}: ${file} ${fault}`], { cause });
}

/** Converts an error of the file to a `ConfigError`. Returns an error of another kind unchanged. */
export function toOpeningError(error: unknown, config: SqliteConfig): unknown {
  const code = getCode(error);
  const fault = FAULTS[code];
  if (fault === undefined || error instanceof ConfigError) return error;
  return fileFault(config, `${fault} (${code})`, error);
}

const NOT_WRITABLE = 'cannot be written, or its folder cannot';
const NOT_OPENED = 'cannot be opened or created';

const FAULTS: Readonly<Record<string, string>> = {
  SQLITE_NOTADB: 'is not an SQLite database',
  SQLITE_CORRUPT: 'is damaged',
  SQLITE_CANTOPEN: NOT_OPENED,
  SQLITE_PERM: NOT_WRITABLE,
  SQLITE_READONLY: NOT_WRITABLE,
  SQLITE_FULL: 'is on a full disk',
  SQLITE_IOERR: 'is on a failing disk',
  SQLITE_BUSY: 'is locked by another program',
  SQLITE_LOCKED: 'is locked by another program',
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: 'is on a read-only disk',
  ENOSPC: 'is on a full disk',
  ENOTDIR: 'is below a file, not a folder',
  EEXIST: 'is below a file, not a folder',
  EISDIR: 'is a folder, not a file',
  ENOENT: NOT_OPENED,
  ELOOP: NOT_OPENED,
  ENAMETOOLONG: 'has a name that is too long',
};

/** Returns the code of the error or of its cause. */
function getCode(error: unknown): string {
  const sqlite = getSqliteCode(error);
  if (sqlite !== undefined) return sqlite;
  if (!isNativeError(error)) return '';
  if ('code' in error && typeof error.code === 'string' && !(error instanceof GatewayError)) {
    return error.code;
  }
  return getCode(error.cause);
}
