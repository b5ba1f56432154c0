/** Transient failures: the database is unavailable, or rejected or interrupted a statement. */

import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { GatewayError } from '../../domain/errors';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const RETRY_FOR_MS = 60_000;

export interface RetryOptions {
  /** Whether the result is no longer required. */
  readonly isOver?: () => boolean;
  /** Maximum total time of the pauses, in milliseconds. Default: 60,000. */
  readonly retryForMs?: number;
}

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  if (cause !== error) return isTransient(cause);
  return cause instanceof GatewayError && cause.code === 'STORE_UNAVAILABLE';
}

/**
 * Retries the work with exponential backoff while it fails with a transient error.
 *
 * @throws The error of the last try: any other error immediately, a transient one after `retryForMs`.
 */
export async function retryTransient<T>(
  work: () => Promise<T>,
  { isOver = () => false, retryForMs = RETRY_FOR_MS }: RetryOptions = {},
): Promise<T> {
  let pausedMs = 0;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || isOver() || pausedMs >= retryForMs) throw error;
    }
    await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { ref: false });
    pausedMs += pauseMs;
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}
