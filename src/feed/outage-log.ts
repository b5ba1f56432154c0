/** Logs that the store is unavailable: once, then after pauses that double, however many readers fail. */

import type { Logger } from 'pino';

export type OutageLog = (err: unknown) => void;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** After a minute without a failure, the next one is logged at once again. */
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
