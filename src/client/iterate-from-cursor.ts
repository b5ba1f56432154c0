/** `subscribeFromCursor` as an async iterator. */

import {
  type Result,
  type ResumableRequest,
  type ResumeOptions,
  type SubscribingClient,
  subscribeFromCursor,
} from './subscribe-from-cursor';

/**
 * Subscribes immediately and buffers items in memory until the loop reads them. Leaving the loop ends the subscription.
 *
 * @throws The error that a sink would receive in `error`.
 */
export function iterateFromCursor<Data = Record<string, unknown>>(
  client: SubscribingClient,
  request: ResumableRequest,
  options: ResumeOptions<Data> = {},
): AsyncIterableIterator<Result<Data>> {
  const buffer: Result<Data>[] = [];
  let outcome: { readonly error?: unknown } | null = null;
  let wake = () => {};

  const end = (result: { readonly error?: unknown }) => {
    outcome ??= result;
    wake();
  };
  const unsubscribe = subscribeFromCursor(
    client,
    request,
    {
      next(result) {
        buffer.push(result);
        wake();
      },
      error: (error) => end({ error }),
      complete: () => end({}),
    },
    options,
  );

  return {
    async next() {
      while (buffer.length === 0 && outcome === null) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const result = buffer.shift();
      if (result !== undefined) return { done: false, value: result };
      if (outcome !== null && 'error' in outcome) throw outcome.error;
      return { done: true, value: undefined };
    },
    async return() {
      buffer.length = 0;
      end({});
      unsubscribe();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
