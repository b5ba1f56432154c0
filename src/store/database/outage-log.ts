/**
 * Logs the cause of an outage of the database once, and its end once: clients receive only STORE_UNAVAILABLE. Reports every
 * failed write by its reason.
 */

import { StoreUnavailableError } from '../../domain/errors';
import type { DeliveryWriter } from '../write/delivery-writer';
import { toWriteFailure, type WriteFailure } from '../write-failure';

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
