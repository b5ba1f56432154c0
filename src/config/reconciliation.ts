/** `RECONCILE_…`: when the gateway sends status checks to providers. */

import { z } from 'zod';
import type { ReconciliationConfig } from '../jobs/reconcile/candidates';
import type { EnvironmentReader } from './environment';
import { DAY_MS, durationMs, HOUR_MS, MINUTE_MS, wholeNumber } from './parsers';

const DURATION = durationMs(
  'an ISO 8601 duration of one second or more, for example PT1H or P30D',
  1000,
);

const INTERVAL = z.union([z.literal('off').transform(() => null), DURATION], {
  error: '`off`, or an ISO 8601 duration of one second or more, for example PT5M',
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
