/** The same as `subscribeFromCursor`, for `for await`. */

import {
  type Result,
  type ResumableRequest,
  type ResumeOptions,
  type SubscribingClient,
  subscribeFromCursor,
} from './subscribe-from-cursor';

/**
 * Subscribes at once; items wait in memory until the loop asks for them. Leaving the loop ends the subscription.
 * @throws what a sink's `error` would be given.
 */
export function iterateFromCursor<Data = Record<string, unknown>>(
  client: SubscribingClient,
  request: ResumableRequest,
  options: ResumeOptions<Data> = {},
): AsyncIterableIterator<Result<Data>> {
  const waiting: Result<Data>[] = [];
  let outcome: { readonly error?: unknown } | null = null;
  let wake = () => {};

  const end = (ending: { readonly error?: unknown }) => {
    outcome ??= ending;
    wake();
  };
  const unsubscribe = subscribeFromCursor(
    client,
    request,
    {
      next(result) {
        waiting.push(result);
        wake();
      },
      error: (error) => end({ error }),
      complete: () => end({}),
    },
    options,
  );

  return {
    async next() {
      while (waiting.length === 0 && outcome === null) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const result = waiting.shift();
      if (result !== undefined) return { done: false, value: result };
      if (outcome !== null && 'error' in outcome) throw outcome.error;
      return { done: true, value: undefined };
    },
    async return() {
      waiting.length = 0;
      end({});
      unsubscribe();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
