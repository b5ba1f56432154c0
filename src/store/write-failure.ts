/** Groups the reasons for which the database cannot be written, for the metrics. */

import { isNativeError } from 'node:util/types';

export const WRITE_FAILURES = ['LOCKED', 'DISK_FULL', 'READ_ONLY', 'OTHER'] as const;
export type WriteFailure = (typeof WRITE_FAILURES)[number];

/** By error code of SQLite or SQLSTATE of PostgreSQL. */
const FAILURE_BY_CODE: Readonly<Record<string, WriteFailure>> = {
  SQLITE_BUSY: 'LOCKED',
  SQLITE_LOCKED: 'LOCKED',
  SQLITE_FULL: 'DISK_FULL',
  SQLITE_READONLY: 'READ_ONLY',
  '55P03': 'LOCKED', // lock_not_available
  '53100': 'DISK_FULL',
  '25006': 'READ_ONLY',
};

/** @param cause - Error of the driver. */
export function toWriteFailure(cause: unknown): WriteFailure {
  if (!isNativeError(cause) || !('code' in cause)) return 'OTHER';
  const code = String(cause.code);
  return Object.hasOwn(FAILURE_BY_CODE, code) ? (FAILURE_BY_CODE[code] ?? 'OTHER') : 'OTHER';
}
