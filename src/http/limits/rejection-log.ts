/** Logs rejected requests at a limited rate, so that repeated attempts do not fill the disk. */

import type { Logger } from 'pino';
import { fullBucket, type Monotonic, takeFrom } from './rate-limiter';

/** @param record - Describes the client. Must not contain received credentials. */
export type LogRejection = (record: object, message: string) => void;

/** Log lines for all clients together. */
const LINES = { burst: 100, perSecond: 5 };

/** The next line after suppressed ones has their count as `suppressed`. */
export function createRejectionLog(log: Pick<Logger, 'warn'>, now: Monotonic): LogRejection {
  const bucket = fullBucket(LINES, now());
  let suppressed = 0;

  return (record, message) => {
    if (takeFrom(bucket, LINES, now()) > 0) {
      suppressed += 1;
      return;
    }
    log.warn(suppressed > 0 ? { ...record, suppressed } : record, message);
    suppressed = 0;
  };
}
