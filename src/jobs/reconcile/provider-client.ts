/**
 * The way to one vendor's API: no faster than agreed, few questions at once, again after a pause where that may help, and not
 * at all for a while where it does not.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  BrokenCircuitError,
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleType,
  handleWhen,
  type IRetryBackoffContext,
  IsolatedCircuitError,
  retry,
  wrap,
} from 'cockatiel';
import { ProviderApiError } from '../../domain/errors';
import type { FetchStatus, StatusCheckTarget, StatusResponse } from '../../providers/provider';

export interface ProviderClient {
  /**
   * `undefined`: the vendor knows no such account.
   *
   * @throws {ProviderApiError} after the last try. {LineDownError} where the vendor is left alone for now.
   */
  ask(subject: StatusCheckTarget, signal: AbortSignal): Promise<StatusResponse | undefined>;
}

/** The vendor was not asked: it has failed too often, or asked us to wait. */
export class CircuitOpenError extends Error {
  override readonly name = 'LineDownError';
}

export interface ProviderClientOptions {
  readonly fetchStatus: FetchStatus;
  readonly clock: () => Date;
  /** Called once whenever the line goes down, and once when it is up again. */
  readonly onState: (up: boolean, fault: ProviderApiError | null) => void;
  readonly limits: ProviderClientLimits;
}

/** All times in milliseconds. */
export interface ProviderClientLimits {
  readonly maxPerSecond: number;
  /** Questions under way at once. */
  readonly maxInFlight: number;
  readonly tries: number;
  /** For one try. */
  readonly timeoutMs: number;
  /** Doubles from try to try; what is waited is any part of it, so that failures do not come back in step. */
  readonly backoffMs: number;
  /** The longest that a question waits for its next try; a vendor that asks for more is left alone for that long. */
  readonly maxWaitMs: number;
  /** Failures in a row after which the vendor is left alone. */
  readonly maxFailures: number;
  /** For how long. */
  readonly restMs: number;
}

export const PROVIDER_CLIENT_LIMITS: Omit<ProviderClientLimits, 'maxPerSecond'> = {
  maxInFlight: 4,
  tries: 3,
  timeoutMs: 8_000,
  backoffMs: 500,
  maxWaitMs: 5_000,
  maxFailures: 10,
  restMs: 60_000,
};

export function createProviderClient({
  fetchStatus,
  clock,
  onState,
  limits,
}: ProviderClientOptions): ProviderClient {
  const pace = createPace(limits.maxPerSecond);
  const breaker = circuitBreaker(handleType(ProviderApiError), {
    halfOpenAfter: limits.restMs,
    breaker: new ConsecutiveBreaker(limits.maxFailures),
  });
  const again = retry(
    handleWhen((error) => mayHelp(error, limits.maxWaitMs)),
    {
      maxAttempts: limits.tries - 1,
      backoff: new DelegateBackoff((context) => waitFor(context, limits)),
    },
  );
  const policy = wrap(bulkhead(limits.maxInFlight, Number.POSITIVE_INFINITY), again, breaker);
  let resting: { dispose(): void } | undefined;
  let told = true;

  breaker.onBreak((reason) => tell(false, 'error' in reason ? reason.error : undefined));
  breaker.onReset(() => tell(true, undefined));

  return {
    async ask(subject, signal) {
      try {
        return await policy.execute(() => attempt(subject, signal), signal);
      } catch (error) {
        const down = error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError;
        throw down ? new CircuitOpenError('the vendor is left alone for now') : error;
      }
    },
  };

  async function attempt(
    subject: StatusCheckTarget,
    signal: AbortSignal,
  ): Promise<StatusResponse | undefined> {
    await pace.turn(signal);
    const askedAt = clock();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]);
    try {
      const answer = await fetchStatus(subject, { now: askedAt, signal: limited });
      return answer && { ...answer, requestedAt: askedAt };
    } catch (error) {
      signal.throwIfAborted(); // we left: no fault of the vendor's
      if (error instanceof ProviderApiError) heed(error);
      throw error;
    }
  }

  /** What one question was asked to wait, all others wait too. */
  function heed(error: ProviderApiError): void {
    const { retryAfterMs } = error;
    if (retryAfterMs === null) return;
    if (retryAfterMs <= limits.maxWaitMs) pace.pause(retryAfterMs);
    else if (resting === undefined) rest(error, retryAfterMs);
  }

  function rest(error: ProviderApiError, forMs: number): void {
    tell(false, error);
    const held = breaker.isolate();
    resting = held;
    setTimeout(() => {
      resting = undefined;
      held.dispose();
    }, forMs).unref();
  }

  function tell(up: boolean, fault: unknown): void {
    if (up === told) return;
    told = up;
    onState(up, fault instanceof ProviderApiError ? fault : null);
  }
}

function mayHelp(error: Error, maxWaitMs: number): boolean {
  if (!(error instanceof ProviderApiError)) return false;
  const { fault, retryAfterMs } = error;
  return (fault === 'UNAVAILABLE' || fault === 'RATE_LIMITED') && (retryAfterMs ?? 0) <= maxWaitMs;
}

function waitFor(
  { attempt, result }: IRetryBackoffContext<unknown>,
  { backoffMs, maxWaitMs }: ProviderClientLimits,
): number {
  const asked = 'error' in result && result.error instanceof ProviderApiError ? result.error : null;
  const jitter = Math.random() * Math.min(backoffMs * 2 ** attempt, maxWaitMs);
  return (asked?.retryAfterMs ?? 0) + jitter;
}

/** Hands out turns at even distances, by a clock that nobody sets. */
function createPace(perSecond: number): {
  turn(signal: AbortSignal): Promise<void>;
  pause(ms: number): void;
} {
  let next = 0;
  return {
    async turn(signal) {
      const now = performance.now();
      const mine = Math.max(now, next);
      next = mine + 1000 / perSecond;
      if (mine > now) await sleep(mine - now, undefined, { signal });
    },
    pause(ms) {
      next = Math.max(next, performance.now() + ms);
    },
  };
}
