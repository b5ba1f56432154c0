/** Results of one subscription, as an async iterator for graphql-ws. */

import type { ExecutionResult } from 'graphql';
import { isTransient } from '../../graphql/request/transient';
import type { Group } from './subscription-groups';

/** Ends immediately on `return`, even while `next` is pending. */
export interface SubscriptionStream extends AsyncIterable<ExecutionResult> {
  next(): Promise<IteratorResult<ExecutionResult, undefined>>;
  return(): Promise<IteratorResult<ExecutionResult, undefined>>;
}

/** An open subscription. */
export interface Subscription {
  /** Entries of the change log. */
  readonly entries: AsyncIterator<unknown>;
  readonly group: Group;
}

export interface StreamHooks {
  /** See `GuardedSocket.turn`. */
  turn(): Promise<() => void>;
  /** Called when the stream ends, by any party. May be called more than once. */
  onEnd(): void;
  /** Called before the stream ends because of a transient error. The client must resume. */
  onInterrupted(): void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export function createSubscriptionStream(
  { entries, group }: Subscription,
  { turn, onEnd, onInterrupted }: StreamHooks,
): SubscriptionStream {
  let ended = false;
  let releaseTurn = () => {};

  async function end(): Promise<IteratorReturnResult<undefined>> {
    onEnd();
    releaseTurn();
    if (!ended) {
      ended = true;
      await group.leave();
    }
    return DONE;
  }

  return {
    async next() {
      releaseTurn(); // graphql-ws calls `next` once the previous item has left the process
      try {
        const entry = await entries.next();
        if (entry.done) return await end();
        releaseTurn = await turn();
        if (ended) return await end();
        return { done: false, value: await group.execute(entry.value) };
      } catch (error) {
        if (ended) return DONE;
        await end();
        if (!isTransient(error)) throw error;
        onInterrupted();
        return DONE;
      }
    },
    async return() {
      onEnd();
      await entries.return?.();
      return end();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
