/**
 * Logs once why the database cannot be written, and once that it can again: clients read only that the store is away. Reports
 * each failure by its reason.
 */

import { StoreUnavailableError } from '../../domain/errors';
import type { DeliveryWriter } from '../write/delivery-writer';
import { toWriteFailure, type WriteFailure } from '../write-failure';

export interface OutageLog {
  info(record: object, message: string): void;
  error(record: object, message: string): void;
}

/** Writes through `recorder`. Concurrent writes that fail in the same outage log one line. */
export function logOutages(
  recorder: DeliveryWriter,
  log: OutageLog,
  onFailure: (reason: WriteFailure) => void = () => {},
): DeliveryWriter {
  let away = false;
  return {
    ...recorder,
    record: (delivery) => watch(recorder.record(delivery)),
    transaction: (work) => watch(recorder.transaction(work)),
  };

  async function watch<T>(write: Promise<T>): Promise<T> {
    try {
      const result = await write;
      if (away) log.info({}, 'the database can be written again');
      away = false;
      return result;
    } catch (error) {
      if (error instanceof StoreUnavailableError && error.cause !== undefined) {
        onFailure(toWriteFailure(error.cause));
        if (!away) log.error({ err: error }, 'failed to write to the database');
        away = true;
      }
      throw error;
    }
  }
}
