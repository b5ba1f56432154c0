/**
 * Client of one provider's status API, with a rate limit, a concurrency limit, retries with backoff and a circuit breaker.
 *
 * The circuit opens after repeated failures, or when the provider requests a longer pause than one check may wait.
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
   * Requests the current status. Returns undefined if the account does not exist at the provider.
   *
   * @throws {ProviderApiError} After the last attempt.
   * @throws {CircuitOpenError} If the circuit is open.
   */
  fetch(target: StatusCheckTarget, signal: AbortSignal): Promise<StatusResponse | undefined>;
}

/** The request was not sent: the provider failed repeatedly or requested a pause. */
export class CircuitOpenError extends Error {
  override readonly name = 'CircuitOpenError';
}

export interface ProviderClientOptions {
  readonly fetchStatus: FetchStatus;
  readonly clock: () => Date;
  /** Called once when the circuit opens (`up: false`) and once when it closes. */
  readonly onState: (up: boolean, fault: ProviderApiError | null) => void;
  readonly limits: ProviderClientLimits;
}

/** All times in milliseconds. */
export interface ProviderClientLimits {
  readonly maxPerSecond: number;
  /** Maximum concurrent requests. */
  readonly maxInFlight: number;
  readonly tries: number;
  /** Timeout of one attempt. */
  readonly timeoutMs: number;
  /** Base of the exponential backoff. The delay is a random part of it, so that clients do not retry in step. */
  readonly backoffMs: number;
  /** Maximum delay before a retry. If the provider requests a longer pause, the circuit opens for that pause. */
  readonly maxWaitMs: number;
  /** Consecutive failures that open the circuit. */
  readonly maxFailures: number;
  /** Time that the circuit stays open after such failures. */
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
  const pacer = createPacer(limits.maxPerSecond);
  const breaker = circuitBreaker(handleType(ProviderApiError), {
    halfOpenAfter: limits.restMs,
    breaker: new ConsecutiveBreaker(limits.maxFailures),
  });
  const retries = retry(
    handleWhen((error) => isRetryable(error, limits.maxWaitMs)),
    {
      maxAttempts: limits.tries - 1,
      backoff: new DelegateBackoff((context) => toDelayMs(context, limits)),
    },
  );
  const policy = wrap(bulkhead(limits.maxInFlight, Number.POSITIVE_INFINITY), retries, breaker);
  let isolation: { dispose(): void } | undefined;
  let reportedUp = true;

  breaker.onBreak((reason) => report(false, 'error' in reason ? reason.error : undefined));
  breaker.onReset(() => report(true, undefined));

  return {
    async fetch(target, signal) {
      try {
        return await policy.execute(() => attempt(target, signal), signal);
      } catch (error) {
        const isOpen = error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError;
        throw isOpen ? new CircuitOpenError('the circuit of this provider is open') : error;
      }
    },
  };

  async function attempt(
    target: StatusCheckTarget,
    signal: AbortSignal,
  ): Promise<StatusResponse | undefined> {
    await pacer.wait(signal);
    const requestedAt = clock();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]);
    try {
      const response = await fetchStatus(target, { now: requestedAt, signal: limited });
      return response && { ...response, requestedAt };
    } catch (error) {
      signal.throwIfAborted(); // aborted by the caller: not a failure of the provider
      if (error instanceof ProviderApiError) applyRetryAfter(error);
      throw error;
    }
  }

  /** Delays all requests, not only the one that got `Retry-After`. */
  function applyRetryAfter(error: ProviderApiError): void {
    const { retryAfterMs } = error;
    if (retryAfterMs === null) return;
    if (retryAfterMs <= limits.maxWaitMs) pacer.pause(retryAfterMs);
    else if (isolation === undefined) isolate(error, retryAfterMs);
  }

  function isolate(error: ProviderApiError, forMs: number): void {
    report(false, error);
    const handle = breaker.isolate();
    isolation = handle;
    setTimeout(() => {
      isolation = undefined;
      handle.dispose();
    }, forMs).unref();
  }

  function report(up: boolean, fault: unknown): void {
    if (up === reportedUp) return;
    reportedUp = up;
    onState(up, fault instanceof ProviderApiError ? fault : null);
  }
}

function isRetryable(error: Error, maxWaitMs: number): boolean {
  if (!(error instanceof ProviderApiError)) return false;
  const { fault, retryAfterMs } = error;
  return (fault === 'UNAVAILABLE' || fault === 'RATE_LIMITED') && (retryAfterMs ?? 0) <= maxWaitMs;
}

function toDelayMs(
  { attempt, result }: IRetryBackoffContext<unknown>,
  { backoffMs, maxWaitMs }: ProviderClientLimits,
): number {
  const failure =
    'error' in result && result.error instanceof ProviderApiError ? result.error : null;
  const jitter = Math.random() * Math.min(backoffMs * 2 ** attempt, maxWaitMs);
  return (failure?.retryAfterMs ?? 0) + jitter;
}

/** Spaces requests evenly, on a monotonic clock. */
function createPacer(perSecond: number): {
  wait(signal: AbortSignal): Promise<void>;
  pause(ms: number): void;
} {
  let next = 0;
  return {
    async wait(signal) {
      const now = performance.now();
      const slot = Math.max(now, next);
      next = slot + 1000 / perSecond;
      if (slot > now) await sleep(slot - now, undefined, { signal });
    },
    pause(ms) {
      next = Math.max(next, performance.now() + ms);
    },
  };
}
