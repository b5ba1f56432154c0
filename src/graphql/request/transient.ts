/** Faults that pass by themselves: the store is unavailable, or a statement was refused or cut short by it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { GatewayError } from '../../domain/errors';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const RETRY_FOR_MS = 60_000;

export interface RetryOptions {
  /** Whether the result is no longer needed. */
  readonly isOver?: () => boolean;
  /** For how long to retry, in milliseconds, by the pauses alone. */
  readonly retryForMs?: number;
}

/** Whether the same work may succeed later without any change to the request. */
export function isTransient(error: unknown): boolean {
  const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  if (cause !== error) return isTransient(cause);
  return cause instanceof GatewayError && cause.code === 'STORE_UNAVAILABLE';
}

/**
 * Repeats the work after pauses that grow, as long as it fails with a transient fault.
 *
 * @throws the fault that the last attempt failed with: any other one, or a transient one once the time is up.
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
