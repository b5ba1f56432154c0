/**
 * Logs the cause of an outage of the database once, and its end once: clients receive only STORE_UNAVAILABLE. Reports every
 * failed write by its reason.
 */

import { isNativeError } from 'node:util/types';
import { StoreUnavailableError } from '../../domain/errors';
import type { DeliveryWriter } from './delivery-writer';

export interface OutageLog {
  info(record: object, message: string): void;
  error(record: object, message: string): void;
}

/** Wraps the writer. Concurrent writes that fail in the same outage log one line. */
export function logOutages(
  writer: DeliveryWriter,
  log: OutageLog,
  onFailure: (reason: WriteFailure) => void = () => {},
): DeliveryWriter {
  let unavailable = false;
  return {
    record: (delivery) => watch(writer.record(delivery)),
    transaction: (work) => watch(writer.transaction(work)),
    close: () => writer.close(),
  };

  async function watch<T>(write: Promise<T>): Promise<T> {
    try {
      const result = await write;
      if (unavailable) log.info({}, 'database writable again');
      unavailable = false;
      return result;
    } catch (error) {
      if (error instanceof StoreUnavailableError && error.cause !== undefined) {
        onFailure(toWriteFailure(error.cause));
        if (!unavailable) log.error({ err: error }, 'failed to write to the database');
        unavailable = true;
      }
      throw error;
    }
  }
}

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
