/** Logs once why the database cannot be written, and once that it can again: clients read only that the store is away. */

import { StoreUnavailableError } from '../domain/errors';
import type { Recorder } from './recorder';

export interface OutageLog {
  info(record: object, message: string): void;
  error(record: object, message: string): void;
}

/** Writes through `recorder`. Concurrent writes that fail in the same outage log one line. */
export function logOutages(recorder: Recorder, log: OutageLog): Recorder {
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
      if (!away && error instanceof StoreUnavailableError && error.cause !== undefined) {
        away = true;
        log.error({ err: error }, 'failed to write to the database');
      }
      throw error;
    }
  }
}
