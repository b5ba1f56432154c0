/** `RECONCILE_…`: when the vendors are asked whether what we hold is so. */

import { z } from 'zod';
import { parseDurationMs } from './duration';
import type { EnvironmentReader } from './environment';

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

const DURATION = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1000) return ms;
  context.addIssue('an ISO 8601 duration of a second or more, e.g. PT1H or P30D');
  return z.NEVER;
});

const INTERVAL = z.union([z.literal('off').transform(() => null), DURATION], {
  error: '`off`, or an ISO 8601 duration of a second or more, e.g. PT5M',
});

const PER_SECOND = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, 'a whole number from 1 to 999')
  .transform(Number);

export function readReconciliation(reader: EnvironmentReader): ReconciliationConfig {
  return {
    intervalMs: reader.read('RECONCILE_INTERVAL', INTERVAL, 5 * MINUTE_MS),
    openAfterMs: reader.read('RECONCILE_OPEN_AFTER', DURATION, HOUR_MS),
    unconfirmedAfterMs: reader.read('RECONCILE_UNCONFIRMED_AFTER', DURATION, MINUTE_MS),
    quietAfterMs: reader.read('RECONCILE_QUIET_AFTER', DURATION, 30 * DAY_MS),
    maxPerSecond: reader.read('RECONCILE_MAX_PER_SECOND', PER_SECOND, 5),
  };
}
