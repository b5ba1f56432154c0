/** Loggers for tests. */

import { Writable } from 'node:stream';
import { createLogger, type Logger } from '../../src/observability/log';

export const silentLog: Logger = createLogger({
  level: 'silent',
  pretty: false,
  personal: [],
});

export interface RecordedLog {
  readonly log: Logger;
  /** Every line so far, parsed. */
  readonly lines: Record<string, unknown>[];
}

/** Redacts only secrets, so that tests find personal data under any field name. */
export function createRecordedLog(): RecordedLog {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { log: createLogger({ level: 'trace', pretty: false, personal: [], destination }), lines };
}
