/**
 * One subscriber: reads the log at its own pace, and listens at the head of it while it keeps up.
 *
 * There may be ten thousand of them, idle most of the time: each is a small record, and not a set of closures.
 */

import type { Logger } from 'pino';
import type { Change } from '../domain/change';
import { encodeCursor } from '../domain/cursor';
import { CursorExpiredError, CursorInvalidError, GatewayError } from '../domain/errors';
import type { ChangeFilter, Reader } from '../store/store';
import type { Audience, Listeners } from './audience';
import { type Bell, createBell } from './bell';
import type { Offer } from './lane';
import { matches, matchesBesidesUser } from './matches';
import { addMergedUsers } from './merged-users';
import type { ChangeStream, Outlet } from './outlet';
import type { Window } from './window';

export type FeedReader = Pick<
  Reader,
  'tail' | 'head' | 'logFloor' | 'usersByIds' | 'userIdsMergedInto'
>;

/** What all subscribers of a feed have in common. */
export interface Surroundings {
  readonly read: FeedReader;
  readonly audience: Audience<Subscriber>;
  /** `null` until the tail knows where the log stands; then everybody's bell is rung. */
  readonly window: Window | null;
  readonly logId: string;
  /** Entries that may wait for one subscriber. */
  readonly queueSize: number;
  readonly log: Pick<Logger, 'warn'>;
  readonly retryMs: number;
  /** All that have not ended; a subscriber enters and leaves by itself. */
  readonly crowd: Set<Subscriber>;
}

export interface Wish {
  /** The last position seen; `undefined`: begin at the head of the log as of now. */
  readonly afterSeq?: number | undefined;
  readonly filter: ChangeFilter;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `readTo` is the position up to which all that matches has been handed over or waits in `queue`; whatever happens, what
 * comes next is what follows it, so that there is neither a gap nor a repeat between reading and listening.
 */
export interface Subscriber {
  readonly around: Surroundings;
  readonly filter: ChangeFilter;
  /** Whose entries it wants; `null`: everybody's. Grows as those users are merged into others. */
  readonly userIds: Set<number> | null;
  readonly queue: Change[];
  readonly bell: Bell;
  readonly afterSeq: number | undefined;
  headAtCall: Promise<number> | null;
  readTo: number | null;
  outlet: Outlet | null;
  listening: boolean;
  /** An item is awaited. */
  asked: boolean;
  ended: boolean;
  onEnd: () => void;
}

const PAGE = 200;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Works by pull: nothing is read for a subscriber that does not ask. */
export function subscribe(around: Surroundings, wish: Wish): ChangeStream {
  const { afterSeq, filter, signal } = wish;
  const subscriber: Subscriber = {
    around,
    filter,
    userIds: filter.userIds === undefined ? null : new Set(filter.userIds),
    queue: [],
    bell: createBell(),
    afterSeq,
    headAtCall: afterSeq === undefined ? settle(around.read.head()) : null,
    readTo: null,
    outlet: null,
    listening: false,
    asked: false,
    ended: false,
    onEnd: NOTHING,
  };
  around.crowd.add(subscriber);
  if (signal !== undefined) endWith(signal, subscriber);
  return toStream(subscriber);
}

/** Listening at the head of the log. */
export const LISTENERS: Listeners<Subscriber> = {
  pressOf: ({ outlet }) => outlet?.press ?? null,

  wants: ({ readTo, filter }, change) =>
    readTo !== null && change.seq > readTo && matchesBesidesUser(change, filter),

  isReady: ({ listening, asked, queue }) => listening && asked && queue.length === 0,

  offer(subscriber, offers) {
    if (!subscriber.listening) return;
    const due = offers.filter(({ change }) => LISTENERS.wants(subscriber, change));
    const last = due.at(-1);
    if (last === undefined) return;
    if (LISTENERS.isReady(subscriber) && sendAtOnce(subscriber, due)) {
      subscriber.readTo = last.change.seq;
    } else {
      for (const { change } of due) enqueue(subscriber, change);
    }
  },
};

function sendAtOnce({ outlet }: Subscriber, offers: readonly Offer[]): boolean {
  if (outlet === null || offers.some(({ made }) => made === undefined)) return false;
  return outlet.take(offers.map(({ made }) => made));
}

function enqueue(subscriber: Subscriber, change: Change): void {
  const { queue, around, bell } = subscriber;
  if (queue.length >= around.queueSize) fallBehind(subscriber, change.seq - 1);
  if (!subscriber.listening) return;
  subscriber.readTo = change.seq;
  queue.push(change);
  bell.ring();
}

function listen(subscriber: Subscriber): void {
  subscriber.listening = true;
  subscriber.around.audience.join(subscriber);
}

/**
 * The head of the log moves on without the subscriber from `seenTo`: it shall read what follows by itself. What waits is
 * dropped and will be read again, once it is asked for.
 */
export function fallBehind(subscriber: Subscriber, seenTo: number): void {
  const { listening, around, queue, bell } = subscriber;
  if (!listening) return;
  subscriber.listening = false;
  around.audience.leave(subscriber);
  subscriber.readTo = (queue[0]?.seq ?? seenTo + 1) - 1;
  queue.length = 0;
  bell.ring();
}

/** What waits is dropped. */
export function end(subscriber: Subscriber): void {
  const { ended, around, queue, bell } = subscriber;
  if (ended) return;
  subscriber.ended = true;
  subscriber.listening = false;
  around.audience.leave(subscriber);
  around.crowd.delete(subscriber);
  subscriber.onEnd();
  queue.length = 0;
  bell.ring();
}

async function pull(subscriber: Subscriber): Promise<IteratorResult<Change, undefined>> {
  while (!subscriber.ended) {
    const change = subscriber.queue.shift();
    if (change !== undefined) return { done: false, value: change };
    if (subscriber.listening) {
      subscriber.asked = true;
      await subscriber.bell.wait();
      subscriber.asked = false;
    } else {
      await readOnOrEnd(subscriber);
    }
  }
  return DONE;
}

/** The store being away is no reason to end a stream that can go on when it is back. */
async function readOnOrEnd(subscriber: Subscriber): Promise<void> {
  const { log, retryMs } = subscriber.around;
  try {
    await readOn(subscriber);
  } catch (err) {
    if (err instanceof GatewayError && err.code !== 'STORE_UNAVAILABLE') {
      end(subscriber);
      throw err;
    }
    log.warn({ err }, 'a subscriber could not read the log; will try again');
    await subscriber.bell.wait(retryMs);
  }
}

async function readOn(subscriber: Subscriber): Promise<void> {
  const { readTo, bell, around } = subscriber;
  const { window } = around;
  if (window === null) await bell.wait();
  else if (readTo === null) subscriber.readTo = await begin(subscriber, window);
  else if (window.reachesBackTo(readTo)) readWindow(subscriber, window, readTo);
  else await readStore(subscriber, readTo);
}

async function begin(subscriber: Subscriber, { head }: Window): Promise<number> {
  const start = await startingPoint(subscriber, head);
  await addMergedBefore(subscriber);
  return start;
}

async function startingPoint(subscriber: Subscriber, tailHead: number): Promise<number> {
  const { afterSeq, headAtCall, around } = subscriber;
  if (afterSeq === undefined) {
    subscriber.headAtCall = null; // should it have failed, the next attempt asks again
    return headAtCall ?? around.read.head();
  }
  await assertHeld(around, afterSeq);
  if (afterSeq > tailHead && afterSeq > (await around.read.head())) throw new CursorInvalidError();
  return afterSeq;
}

/** In one go, so that no entry can come between reading the last one and listening. */
function readWindow(subscriber: Subscriber, { head, after }: Window, position: number): void {
  const { userIds, queue, around } = subscriber;
  const pageSize = pageSizeOf(around);
  const entries = after(position);
  if (userIds !== null) addMergedUsers(userIds, entries);
  const filter = currentFilter(subscriber);
  const page = entries.filter((change) => matches(change, filter)).slice(0, pageSize);
  queue.push(...page);
  const last = page.at(-1);
  if (last !== undefined && page.length === pageSize) {
    subscriber.readTo = last.seq;
    return;
  }
  subscriber.readTo = Math.max(position, head);
  listen(subscriber);
}

async function readStore(subscriber: Subscriber, position: number): Promise<void> {
  const { around, queue } = subscriber;
  const page = await around.read.tail(position, pageSizeOf(around), currentFilter(subscriber));
  await assertHeld(around, position); // after reading: entries dropped meanwhile are missing from the page
  if (await addMergedBefore(subscriber)) return; // merged meanwhile: the page may lack what was written about the other
  subscriber.readTo = Math.max(position, page.scannedTo);
  queue.push(...page.changes);
}

async function assertHeld({ read, logId }: Surroundings, position: number): Promise<void> {
  const floor = await read.logFloor();
  if (position < floor) throw new CursorExpiredError(encodeCursor(logId, floor));
}

/**
 * Asks the store who has become one person with those we read about, since their entries bear several ids. What comes
 * later is seen in the log itself. Answers whether there was anybody new.
 */
async function addMergedBefore({ userIds, around: { read } }: Subscriber): Promise<boolean> {
  if (userIds === null || userIds.size === 0) return false;
  const known = userIds.size;
  for (const user of await read.usersByIds([...userIds])) {
    if (user === null) continue;
    userIds.add(user.id);
    for (const id of await read.userIdsMergedInto(user.id)) userIds.add(id);
  }
  return userIds.size > known;
}

function currentFilter({ filter, userIds }: Subscriber): ChangeFilter {
  return userIds === null ? filter : { ...filter, userIds: [...userIds] };
}

function pageSizeOf({ queueSize }: Surroundings): number {
  return Math.min(PAGE, queueSize);
}

/** Calls of `next` are answered one after the other, as with a generator; `return` does not wait for them. */
function toStream(subscriber: Subscriber): ChangeStream {
  let turn = IDLE;
  return {
    begun: subscriber.headAtCall?.then(NOTHING, NOTHING) ?? IDLE,
    next() {
      const result = turn.then(() => pull(subscriber));
      turn = result.then(NOTHING, NOTHING);
      return result;
    },
    async return() {
      end(subscriber);
      return DONE;
    },
    divert(outlet) {
      subscriber.outlet = outlet;
    },
    [Symbol.asyncIterator]: itself,
  };
}

const NOTHING = () => {};
const IDLE = Promise.resolve();

function itself(this: ChangeStream): ChangeStream {
  return this;
}

function endWith(signal: AbortSignal, subscriber: Subscriber): void {
  const onAbort = () => end(subscriber);
  subscriber.onEnd = () => signal.removeEventListener('abort', onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
}

/** A promise that may fail before anybody waits for it. */
function settle<T>(promise: Promise<T>): Promise<T> {
  promise.catch(NOTHING);
  return promise;
}
