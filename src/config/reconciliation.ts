/** `RECONCILE_…`: when the vendors are asked whether what we hold is so. */

import { z } from 'zod';
import { durationMs } from './duration';
import type { EnvironmentReader } from './environment';
import { wholeNumber } from './number';

export interface ReconciliationConfig {
  /** Between the end of a round and the next; `null`: only the command asks. */
  readonly intervalMs: number | null;
  /** How long an attempt may be open, in one status, before the vendor is asked. */
  readonly openAfterMs: number;
  /** The same for an approval that only a static secret vouches for. */
  readonly unconfirmedAfterMs: number;
  /** The same for anything of which nothing was heard. */
  readonly quietAfterMs: number;
  /** Questions to one vendor, retries included. */
  readonly maxPerSecond: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const DURATION = durationMs('an ISO 8601 duration of a second or more, e.g. PT1H or P30D', 1000);

const INTERVAL = z.union([z.literal('off').transform(() => null), DURATION], {
  error: '`off`, or an ISO 8601 duration of a second or more, e.g. PT5M',
});

const PER_SECOND = wholeNumber(1, 999);

export function readReconciliation(reader: EnvironmentReader): ReconciliationConfig {
  return {
    intervalMs: reader.read('RECONCILE_INTERVAL', INTERVAL, 5 * MINUTE_MS),
    openAfterMs: reader.read('RECONCILE_OPEN_AFTER', DURATION, HOUR_MS),
    unconfirmedAfterMs: reader.read('RECONCILE_UNCONFIRMED_AFTER', DURATION, MINUTE_MS),
    quietAfterMs: reader.read('RECONCILE_QUIET_AFTER', DURATION, 30 * DAY_MS),
    maxPerSecond: reader.read('RECONCILE_MAX_PER_SECOND', PER_SECOND, 5),
  };
}
