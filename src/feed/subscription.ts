/** The stream of one subscriber. Works by pull: reads the log only while a `next` call is pending. */

import type { Change } from '../domain/change';
import type { LogPosition } from '../domain/cursor';
import type { ChangeFilter } from '../store/read/filters';
import type { ChangeStream } from './broadcast-queue';
import { catchUp } from './catch-up';
import { createSignal } from './signal';
import { end, type FeedState, type Subscriber } from './subscriber';

export interface SubscribeOptions {
  /** Position of the last entry received. Default: the current head of the log. */
  readonly after?: LogPosition | undefined;
  readonly filter: ChangeFilter;
  /** External ID of a user that does not exist yet. Once it exists, its entries match too, as if `filter.userIds` contained it. */
  readonly awaitedUser?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export function subscribe(feedState: FeedState, options: SubscribeOptions): ChangeStream {
  const { signal } = options;
  const subscriber = createSubscriber(feedState, options);
  feedState.subscribers.add(subscriber);
  if (signal !== undefined) endOnAbort(signal, subscriber);
  return toStream(subscriber);
}

function createSubscriber(
  feedState: FeedState,
  { after, filter, awaitedUser: externalUserId }: SubscribeOptions,
): Subscriber {
  return {
    feedState,
    filter,
    userIds: filter.userIds === undefined ? null : new Set(filter.userIds),
    queue: [],
    signal: createSignal(),
    after,
    initialHead: after === undefined ? handled(feedState.read.logState()) : null,
    readTo: null,
    awaited: externalUserId === undefined ? null : { externalUserId, indexed: false, userId: null },
    sink: null,
    live: false,
    waiting: false,
    failures: 0,
    ended: false,
    failure: null,
    onEnd: NOOP,
  };
}

function endOnAbort(signal: AbortSignal, subscriber: Subscriber): void {
  const onAbort = () => end(subscriber);
  subscriber.onEnd = () => signal.removeEventListener('abort', onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
}

/** Runs calls of `next` one after another, as a generator does. `return` does not wait for them. */
function toStream(subscriber: Subscriber): ChangeStream {
  let previous = RESOLVED;
  return {
    started: subscriber.initialHead?.then(NOOP, NOOP) ?? RESOLVED,
    next() {
      const result = previous.then(() => pull(subscriber));
      previous = result.then(NOOP, NOOP);
      return result;
    },
    async return() {
      end(subscriber);
      return DONE;
    },
    pipeTo(sink) {
      subscriber.sink = sink;
    },
    [Symbol.asyncIterator]: returnThis,
  };
}

async function pull(subscriber: Subscriber): Promise<IteratorResult<Change, undefined>> {
  while (!subscriber.ended) {
    const change = subscriber.queue.shift();
    if (change !== undefined) return { done: false, value: change };
    if (subscriber.live) {
      subscriber.waiting = true;
      await subscriber.signal.wait();
      subscriber.waiting = false;
    } else {
      await catchUp(subscriber);
    }
  }
  const { failure } = subscriber;
  subscriber.failure = null;
  if (failure !== null) throw failure;
  return DONE;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
const NOOP = () => {};
const RESOLVED = Promise.resolve();

function returnThis(this: ChangeStream): ChangeStream {
  return this;
}

/** Prevents an unhandled rejection if the promise rejects before it is awaited. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(NOOP);
  return promise;
}
