/**
 * One subscriber: reads the log at its own pace, and listens at the head of it while it keeps up.
 *
 * There may be ten thousand of them, idle most of the time: each is a small record, and not a set of closures.
 */

import type { Change } from '../domain/change';
import {
  assertContinues,
  isInLog,
  type LogPosition,
  type LogState,
  toPosition,
} from '../domain/cursor';
import { StoreUnavailableError } from '../domain/errors';
import type { ChangeFilter } from '../store/read/filters';
import type { Reader } from '../store/read/reader';
import type { AwaitedUsers } from './awaited-users';
import type { Offer } from './broadcast-queue';
import { matchesFilter, matchesFilterExceptUser } from './change-filter';
import type { ChangeStream, FrameSink } from './frame-encoder';
import { addMergedUsers } from './merged-users';
import type { OutageLog } from './outage-log';
import type { RecentChanges } from './recent-changes';
import { createSignal, type Signal } from './signal';
import type { Listeners, SubscriberIndex } from './subscriber-index';

export type FeedReader = Pick<
  Reader,
  'tail' | 'logState' | 'usersByIds' | 'userIdsMergedInto' | 'userByExternalId' | 'externalIdsOf'
>;

/** What all subscribers of a feed have in common. */
export interface FeedState {
  readonly read: FeedReader;
  readonly audience: SubscriberIndex<Subscriber>;
  /** `null` until the tail knows where the log stands; then everybody's bell is rung. */
  readonly window: RecentChanges | null;
  /** Position up to which the tail has read the log. */
  readonly head: LogPosition;
  readonly awaited: AwaitedUsers<Subscriber>;
  /** Has the tail read the log now. */
  wakeTail(): void;
  readonly logId: string;
  /** Entries that may wait for one subscriber. */
  readonly queueSize: number;
  readonly onOutage: OutageLog;
  /** All that have not ended; a subscriber enters and leaves by itself. */
  readonly subscribers: Set<Subscriber>;
}

export interface SubscribeOptions {
  /** The last position seen; `undefined`: begin at the head of the log as of now. */
  readonly after?: LogPosition | undefined;
  readonly filter: ChangeFilter;
  /** External ID of a user that does not exist yet. Once it does, its entries match, besides those of `filter.userIds`. */
  readonly awaited?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `readTo` is the position up to which all that matches has been handed over or waits in `queue`; whatever happens, what
 * comes next is what follows it, so that there is neither a gap nor a repeat between reading and listening.
 */
export interface Subscriber {
  readonly feedState: FeedState;
  readonly filter: ChangeFilter;
  /** Whose entries it wants; `null`: everybody's. Grows as those users are merged into others. */
  readonly userIds: Set<number> | null;
  readonly queue: Change[];
  readonly signal: Signal;
  readonly after: LogPosition | undefined;
  headAtCall: Promise<LogState> | null;
  readTo: LogPosition | null;
  awaited: Awaited | null;
  outlet: FrameSink | null;
  listening: boolean;
  /** An item is awaited. */
  asked: boolean;
  /** Reads that have failed, one after the other. */
  failures: number;
  ended: boolean;
  /** Why it has ended, until that is thrown. */
  failure: Error | null;
  onEnd: () => void;
}

/** A user that did not exist when the subscriber began. */
interface Awaited {
  readonly externalUserId: string;
  indexed: boolean;
  /** `null` until the user appears. */
  userId: number | null;
}

const PAGE = 200;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Works by pull: nothing is read for a subscriber that does not ask. */
export function subscribe(around: FeedState, wish: SubscribeOptions): ChangeStream {
  const { after, filter, awaited, signal } = wish;
  const subscriber: Subscriber = {
    feedState: around,
    filter,
    userIds: filter.userIds === undefined ? null : new Set(filter.userIds),
    queue: [],
    signal: createSignal(),
    after,
    headAtCall: after === undefined ? settle(around.read.logState()) : null,
    readTo: null,
    awaited:
      awaited === undefined ? null : { externalUserId: awaited, indexed: false, userId: null },
    outlet: null,
    listening: false,
    asked: false,
    failures: 0,
    ended: false,
    failure: null,
    onEnd: NOTHING,
  };
  around.subscribers.add(subscriber);
  if (signal !== undefined) endWith(signal, subscriber);
  return toStream(subscriber);
}

/** Listening at the head of the log. */
export const LISTENERS: Listeners<Subscriber> = {
  pressOf: ({ outlet }) => outlet?.press ?? null,

  wants: ({ readTo, filter }, change) =>
    readTo !== null && change.seq > readTo.seq && matchesFilterExceptUser(change, filter),

  isReady: ({ listening, asked, queue }) => listening && asked && queue.length === 0,

  offer(subscriber, offers) {
    if (!subscriber.listening) return;
    const due = offers.filter(({ change }) => LISTENERS.wants(subscriber, change));
    const last = due.at(-1);
    if (last === undefined) return;
    if (LISTENERS.isReady(subscriber) && sendAtOnce(subscriber, due)) {
      subscriber.readTo = toPosition(last.change);
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
  const { queue, feedState: around, signal: bell } = subscriber;
  if (queue.length >= around.queueSize || outlasts(queue, around.window)) {
    fallBehind(subscriber, around.head);
  }
  if (!subscriber.listening) return;
  subscriber.readTo = toPosition(change);
  queue.push(change);
  bell.notify();
}

/**
 * Whether the queue contains entries that have left the window. The window is bounded in bytes and shared, so what waits for
 * any number of subscribers is too.
 */
function outlasts([first]: readonly Change[], window: RecentChanges | null): boolean {
  return first !== undefined && window !== null && !window.reachesBackTo(first.seq - 1);
}

function listen(subscriber: Subscriber): void {
  subscriber.listening = true;
  subscriber.feedState.audience.join(subscriber);
}

/**
 * The head of the log moves on without the subscriber from `seenTo`: it shall read what follows by itself. What waits is
 * dropped and will be read again, once it is asked for.
 */
export function fallBehind(subscriber: Subscriber, seenTo: LogPosition): void {
  const { listening, feedState: around, queue, signal: bell } = subscriber;
  if (!listening) return;
  subscriber.listening = false;
  around.audience.leave(subscriber);
  const [first] = queue;
  // The nonce before a queued entry is unknown. The tail checks the log for this subscriber too.
  subscriber.readTo = first === undefined ? seenTo : { seq: first.seq - 1, nonce: null };
  queue.length = 0;
  bell.notify();
}

/** The user that it waited for exists. @param from - No entry before this position is about the user. */
export function appear(subscriber: Subscriber, userId: number, from: LogPosition): void {
  const { awaited, feedState: around, readTo, signal: bell } = subscriber;
  if (awaited === null || awaited.userId !== null) return;
  awaited.userId = userId;
  around.awaited.remove(awaited.externalUserId, subscriber);
  if (readTo === null || readTo.seq < from.seq) subscriber.readTo = from;
  bell.notify();
}

/** Whether it has yet to catch up with the head of the log. */
export function isBehind({ listening, awaited }: Subscriber): boolean {
  return !listening && awaited?.indexed !== true;
}

/** Ends it with an error, which the next item that is asked for rejects with. */
export function fail(subscriber: Subscriber, failure: Error): void {
  if (subscriber.ended) return;
  subscriber.failure = failure;
  end(subscriber);
}

/** What waits is dropped. */
export function end(subscriber: Subscriber): void {
  const { ended, feedState: around, awaited, queue, signal: bell } = subscriber;
  if (ended) return;
  if (awaited !== null) around.awaited.remove(awaited.externalUserId, subscriber);
  subscriber.ended = true;
  subscriber.listening = false;
  around.audience.leave(subscriber);
  around.subscribers.delete(subscriber);
  subscriber.onEnd();
  queue.length = 0;
  bell.notify();
}

async function pull(subscriber: Subscriber): Promise<IteratorResult<Change, undefined>> {
  while (!subscriber.ended) {
    const change = subscriber.queue.shift();
    if (change !== undefined) return { done: false, value: change };
    if (subscriber.listening) {
      subscriber.asked = true;
      await subscriber.signal.wait();
      subscriber.asked = false;
    } else {
      await readOnOrEnd(subscriber);
    }
  }
  const { failure } = subscriber;
  subscriber.failure = null;
  if (failure !== null) throw failure;
  return DONE;
}

/**
 * Retries while the store is unavailable, with pauses that grow and that end when the tail can read again. Any other
 * fault would repeat, so it ends the stream.
 */
async function readOnOrEnd(subscriber: Subscriber): Promise<void> {
  const { feedState: around, signal: bell } = subscriber;
  try {
    await readOn(subscriber);
    subscriber.failures = 0;
  } catch (err) {
    if (!(err instanceof StoreUnavailableError)) {
      end(subscriber);
      throw err;
    }
    around.onOutage(err);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** subscriber.failures, LONGEST_PAUSE_MS);
    subscriber.failures += 1;
    await bell.wait(pauseMs * (0.5 + Math.random() / 2)); // spread, so that not all read at the same time
  }
}

async function readOn(subscriber: Subscriber): Promise<void> {
  const { readTo, awaited, signal: bell, feedState: around } = subscriber;
  const { window } = around;
  if (window === null) await bell.wait();
  else if (readTo === null) await begin(subscriber, window);
  else if (awaited !== null) await awaitUser(subscriber, awaited, readTo);
  else if (window.reachesBackTo(readTo.seq)) readWindow(subscriber, window, readTo);
  else await readStore(subscriber, readTo);
}

/**
 * The window may still be of a log that was replaced a moment ago. So the subscriber begins only if the store holds the
 * newest entry of the window after it has held the starting point.
 */
async function begin(subscriber: Subscriber, window: RecentChanges): Promise<void> {
  const { feedState: around, signal: bell } = subscriber;
  const start = await startingPoint(subscriber);
  await addMergedBefore(subscriber);
  const { head } = around;
  const state = await around.read.logState(head.seq);
  if (around.window !== window) return; // begins again
  if (isInLog(head, state)) {
    subscriber.readTo = start;
  } else {
    around.wakeTail();
    await bell.wait(LONGEST_PAUSE_MS); // rings when there is another window
  }
}

async function startingPoint(subscriber: Subscriber): Promise<LogPosition> {
  const { after, headAtCall, feedState: around } = subscriber;
  if (after === undefined) {
    subscriber.headAtCall = null; // should it have failed, the next attempt asks again
    return (await (headAtCall ?? around.read.logState())).head;
  }
  const state = await around.read.logState(after.seq);
  assertContinues(around.logId, after, state);
  return { seq: after.seq, nonce: state.nonce };
}

/** The look-up comes after the indexing, so that a user who appears in between is found by one or the other. */
async function awaitUser(
  subscriber: Subscriber,
  awaited: Awaited,
  readTo: LogPosition,
): Promise<void> {
  const { feedState: around, userIds, signal: bell } = subscriber;
  if (awaited.userId === null) {
    if (!awaited.indexed) around.awaited.add(awaited.externalUserId, subscriber);
    awaited.indexed = true;
    const user = await around.read.userByExternalId(awaited.externalUserId);
    if (subscriber.ended) around.awaited.remove(awaited.externalUserId, subscriber);
    else if (user !== null) appear(subscriber, user.id, readTo);
    else if (awaited.userId === null) await bell.wait();
    return;
  }
  userIds?.add(awaited.userId);
  await addMergedBefore(subscriber);
  subscriber.awaited = null;
}

/** In one go, so that no entry can come between reading the last one and listening. */
function readWindow(subscriber: Subscriber, { after }: RecentChanges, position: LogPosition): void {
  const { userIds, queue, feedState: around } = subscriber;
  const pageSize = pageSizeOf(around);
  const entries = after(position.seq);
  if (userIds !== null) addMergedUsers(userIds, entries);
  const filter = currentFilter(subscriber);
  const page = entries.filter((change) => matchesFilter(change, filter)).slice(0, pageSize);
  queue.push(...page);
  const last = page.at(-1);
  if (last !== undefined && page.length === pageSize) {
    subscriber.readTo = toPosition(last);
    return;
  }
  subscriber.readTo = position.seq > around.head.seq ? position : around.head;
  listen(subscriber);
}

async function readStore(subscriber: Subscriber, position: LogPosition): Promise<void> {
  const { feedState: around, queue } = subscriber;
  const page = await around.read.tail(position.seq, pageSizeOf(around), currentFilter(subscriber));
  assertContinues(around.logId, position, page.state);
  if (await addMergedBefore(subscriber)) return; // merged meanwhile: the page may lack what was written about the other
  subscriber.readTo = page.scannedTo;
  queue.push(...page.changes);
}

/**
 * Asks the store who has become one person with those we read about, since their entries bear several ids. What comes
 * later is seen in the log itself. Answers whether there was anybody new.
 */
async function addMergedBefore({ userIds, feedState: { read } }: Subscriber): Promise<boolean> {
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

function pageSizeOf({ queueSize }: FeedState): number {
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
