/** One subscriber: reads the log at its own pace, and listens at the head of it while it keeps up. */

import type { Logger } from 'pino';
import type { Change } from '../domain/change';
import { encodeCursor } from '../domain/cursor';
import { CursorExpiredError, CursorInvalidError, GatewayError } from '../domain/errors';
import type { ChangeFilter, Reader } from '../store/store';
import type { Audience, Listener } from './audience';
import { createBell } from './bell';
import type { Offer } from './lane';
import { matches, matchesBesidesUser } from './matches';
import { addMergedUsers } from './merged-users';
import type { ChangeStream, Outlet } from './outlet';
import type { Window } from './window';

export type FeedReader = Pick<
  Reader,
  'tail' | 'head' | 'logFloor' | 'usersByIds' | 'userIdsMergedInto'
>;

export interface SubscriptionOptions {
  readonly read: FeedReader;
  readonly audience: Audience;
  /** Resolves when the tail knows where the log stands. */
  readonly opened: Promise<Window>;
  readonly logId: string;
  /** The last position seen; `undefined`: begin at the head of the log as of now. */
  readonly afterSeq: number | undefined;
  readonly filter: ChangeFilter;
  readonly signal?: AbortSignal | undefined;
  /** Entries that may wait for the subscriber. */
  readonly queueSize: number;
  readonly log: Pick<Logger, 'warn'>;
  readonly retryMs: number;
  /** All that have not ended; a subscription enters and leaves by itself. */
  readonly crowd: Set<Subscription>;
}

export interface Subscription {
  readonly changes: ChangeStream;
  /** Ends it: what waits is dropped. */
  end(): void;
  /** The head of the log moves on without it from `seenTo`: it shall read what follows by itself. */
  fallBehind(seenTo: number): void;
}

const PAGE = 200;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Works by pull: nothing is read for a subscriber that does not ask. `readTo` is the position up to which all that
 * matches has been handed over or waits in `queue`; whatever happens, what comes next is what follows it, so that there
 * is neither a gap nor a repeat between reading and listening.
 */
export function createSubscription(options: SubscriptionOptions): Subscription {
  const { read, audience, filter, signal, log } = options;
  const userIds = filter.userIds === undefined ? null : new Set(filter.userIds);
  const pageSize = Math.min(PAGE, options.queueSize);
  const bell = createBell();
  const queue: Change[] = [];
  let headAtCall = options.afterSeq === undefined ? settle(read.head()) : null;
  let window: Window | null = null;
  let readTo: number | null = null;
  let outlet: Outlet | null = null;
  let listening = false;
  let asked = false; // an item is awaited
  let ended = false;

  const listener: Listener = {
    userIds,

    get press() {
      return outlet?.press ?? null;
    },

    get ready() {
      return listening && asked && queue.length === 0;
    },

    wants: (change) => readTo !== null && change.seq > readTo && matchesBesidesUser(change, filter),

    offer(offers) {
      const due = offers.filter(({ change }) => listening && listener.wants(change));
      const last = due.at(-1);
      if (last !== undefined && listener.ready && sendAtOnce(due)) readTo = last.change.seq;
      else for (const { change } of due) enqueue(change);
    },
  };

  function sendAtOnce(offers: readonly Offer[]): boolean {
    if (outlet === null || offers.some(({ made }) => made === undefined)) return false;
    return outlet.take(offers.map(({ made }) => made));
  }

  function enqueue(change: Change): void {
    if (queue.length >= options.queueSize) fallBehind(change.seq - 1);
    if (!listening) return;
    readTo = change.seq;
    queue.push(change);
    bell.ring();
  }

  function listen(): void {
    listening = true;
    audience.join(listener);
  }

  /** What waits is dropped and will be read again, once the subscriber asks for it. */
  function fallBehind(seenTo: number): void {
    if (!listening) return;
    listening = false;
    audience.leave(listener);
    readTo = (queue[0]?.seq ?? seenTo + 1) - 1;
    queue.length = 0;
    bell.ring();
  }

  function end(): void {
    if (ended) return;
    ended = true;
    signal?.removeEventListener('abort', end);
    audience.leave(listener);
    options.crowd.delete(subscription);
    queue.length = 0;
    bell.ring();
  }

  async function pull(): Promise<IteratorResult<Change, undefined>> {
    while (!ended) {
      const change = queue.shift();
      if (change !== undefined) return { done: false, value: change };
      if (listening) await listenOn();
      else await readOnOrEnd();
    }
    return DONE;
  }

  async function listenOn(): Promise<void> {
    asked = true;
    await bell.wait();
    asked = false;
  }

  /** The store being away is no reason to end a stream that can go on when it is back. */
  async function readOnOrEnd(): Promise<void> {
    try {
      await readOn();
    } catch (err) {
      if (err instanceof GatewayError && err.code !== 'STORE_UNAVAILABLE') {
        end();
        throw err;
      }
      log.warn({ err }, 'a subscriber could not read the log; will try again');
      await bell.wait(options.retryMs);
    }
  }

  async function readOn(): Promise<void> {
    if (window === null) await bell.wait();
    else if (readTo === null) readTo = await begin(window);
    else if (window.reachesBackTo(readTo)) readWindow(window, readTo);
    else await readStore(readTo);
  }

  async function begin({ head }: Window): Promise<number> {
    const start = await startingPoint(head);
    await addMergedBefore();
    return start;
  }

  async function startingPoint(tailHead: number): Promise<number> {
    const { afterSeq } = options;
    if (afterSeq === undefined) {
      const head = headAtCall ?? read.head();
      headAtCall = null; // should it have failed, the next attempt asks again
      return head;
    }
    await assertHeld(afterSeq);
    if (afterSeq > tailHead && afterSeq > (await read.head())) throw new CursorInvalidError();
    return afterSeq;
  }

  /** In one go, so that no entry can come between reading the last one and listening. */
  function readWindow({ head, after }: Window, position: number): void {
    const entries = after(position);
    if (userIds !== null) addMergedUsers(userIds, entries);
    const page = entries.filter(concerns()).slice(0, pageSize);
    queue.push(...page);
    const last = page.at(-1);
    if (last !== undefined && page.length === pageSize) {
      readTo = last.seq;
      return;
    }
    readTo = Math.max(position, head);
    listen();
  }

  async function readStore(position: number): Promise<void> {
    const page = await read.tail(position, pageSize, currentFilter());
    await assertHeld(position); // after reading: entries dropped meanwhile are missing from the page
    if (await addMergedBefore()) return; // merged meanwhile: the page may lack what was written about the other
    readTo = Math.max(position, page.scannedTo);
    queue.push(...page.changes);
  }

  async function assertHeld(position: number): Promise<void> {
    const floor = await read.logFloor();
    if (position < floor) throw new CursorExpiredError(encodeCursor(options.logId, floor));
  }

  /**
   * Asks the store who has become one person with those we read about, since their entries bear several ids. What comes
   * later is seen in the log itself. Answers whether there was anybody new.
   */
  async function addMergedBefore(): Promise<boolean> {
    if (userIds === null || userIds.size === 0) return false;
    const known = userIds.size;
    for (const user of await read.usersByIds([...userIds])) {
      if (user === null) continue;
      userIds.add(user.id);
      for (const id of await read.userIdsMergedInto(user.id)) userIds.add(id);
    }
    return userIds.size > known;
  }

  function currentFilter(): ChangeFilter {
    return userIds === null ? filter : { ...filter, userIds: [...userIds] };
  }

  function concerns(): (change: Change) => boolean {
    const current = currentFilter();
    return (change) => matches(change, current);
  }

  const changes: ChangeStream = {
    ...toIterator(pull, end),
    divert(into) {
      outlet = into;
    },
  };
  const subscription: Subscription = { changes, end, fallBehind };
  options.crowd.add(subscription);
  void options.opened.then((opened) => {
    window = opened;
    bell.ring();
  });
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  return subscription;
}

/** Calls of `next` are answered one after the other, as with a generator; `return` does not wait for them. */
function toIterator(
  pull: () => Promise<IteratorResult<Change, undefined>>,
  end: () => void,
): Omit<ChangeStream, 'divert'> {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    next() {
      const result = turn.then(pull);
      turn = settle(result).catch(() => undefined);
      return result;
    },
    async return() {
      end();
      return DONE;
    },
    async throw(error) {
      end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A promise that may fail before anybody waits for it. */
function settle<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
