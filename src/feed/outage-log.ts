/** Logs failed reads of the change log, once for all readers: immediately, then at intervals that double up to a minute. */

import type { Logger } from 'pino';

export type OutageLog = (err: unknown) => void;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** A minute without a failure resets the pauses. `suppressed` in a log line counts the failures since the previous line. */
export function createOutageLog(
  log: Pick<Logger, 'warn'>,
  now: () => number = () => performance.now(),
): OutageLog {
  let pauseMs = FIRST_PAUSE_MS;
  let quietUntil = Number.NEGATIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  let suppressed = 0;

  return (err) => {
    const at = now();
    if (at - lastAt > LONGEST_PAUSE_MS) {
      pauseMs = FIRST_PAUSE_MS;
      quietUntil = at;
    }
    lastAt = at;
    if (at < quietUntil) {
      suppressed += 1;
      return;
    }
    log.warn({ err, suppressed }, 'failed to read the change log; retrying');
    suppressed = 0;
    quietUntil = at + pauseMs;
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  };
}
