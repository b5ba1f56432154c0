/** Tells of those who were turned away, but not of each: whoever comes again and again must not fill the disk. */

import type { Logger } from 'pino';
import { fullBucket, type Monotonic, takeFrom } from './rate-limiter';

/** @param record - What is known of who it was: never what they have shown. */
export type LogRejection = (record: object, message: string) => void;

/** Lines of all callers together. */
const LINES = { burst: 100, perSecond: 5 };

/** The next line after a silence says how many were left out. */
export function createRejectionLog(log: Pick<Logger, 'warn'>, now: Monotonic): LogRejection {
  const lines = fullBucket(LINES, now());
  let leftOut = 0;

  return (record, message) => {
    if (takeFrom(lines, LINES, now()) > 0) {
      leftOut += 1;
      return;
    }
    log.warn(leftOut > 0 ? { ...record, leftOut } : record, message);
    leftOut = 0;
  };
}
