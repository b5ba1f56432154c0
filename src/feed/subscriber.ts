/**
 * State of one subscriber and its transitions. See `subscription.ts` for the stream.
 *
 * There may be ten thousand subscribers, most of them idle, so each is a small record and not a set of closures.
 *
 * `readTo` is the position up to which every matching entry was returned, sent or queued. Every state continues with the entry
 * after it, so a change of state neither skips nor repeats an entry.
 *
 * Reads are pulled: in every state but LIVE, the log is read only while a `next` call is pending.
 *
 * A subscriber is always in one of these states. The fields determine it, checked in this order:
 *
 * ## ENDED (`ended`)
 *
 * Final. The queue is empty. Entered from any state:
 *
 * - by `return` or the abort signal, and when the feed stops,
 * - by an error other than an unavailable store,
 * - when the log was restored to an earlier moment (`fail`).
 *
 * ## LIVE (`live`)
 *
 * The subscriber is in the index and receives entries from the tail (`live-push.ts`): through its sink, or through the queue,
 * from which `next` takes them. Moves to CATCHING_UP (`fallBehind`), and drops the queue:
 *
 * - if the queue is full, or has entries older than the recent changes of the feed,
 * - if the log was trimmed before the tail could read it,
 * - if a user is erased while entries are queued, because they may contain erased data.
 *
 * ## STARTING (`readTo` is null)
 *
 * Initial. Waits until the tail knows the head of the log. Then checks that the log contains the start position, and moves to
 * AWAITING_USER or CATCHING_UP.
 *
 * ## AWAITING_USER (`awaited` is set)
 *
 * The user does not exist yet. The subscriber is in `FeedState.awaitedUsers`, which costs nothing until the user is found
 * (`setAwaitedUser`). Then moves to CATCHING_UP.
 *
 * ## CATCHING_UP (otherwise)
 *
 * Each `next` call with an empty queue reads a page: from the recent changes if they reach back to `readTo`, otherwise from the
 * store. Moves to LIVE after the last page of the recent changes, synchronously, so that no entry is missed.
 */

import type { Change } from '../domain/change';
import type { LogPosition, LogState } from '../domain/cursor';
import type { ChangeFilter } from '../store/read/filters';
import type { Reader } from '../store/read/reader';
import type { AwaitedUsers } from './awaited-users';
import type { FrameSink } from './broadcast-queue';
import type { OutageLog } from './outage-log';
import type { RecentChanges } from './recent-changes';
import type { Signal } from './signal';
import type { SubscriberIndex } from './subscriber-index';

export type FeedReader = Pick<
  Reader,
  'tail' | 'logState' | 'usersByIds' | 'userIdsMergedInto' | 'userByExternalId' | 'externalIdsOf'
>;

/** State shared by all subscribers of a feed. */
export interface FeedState {
  readonly read: FeedReader;
  readonly index: SubscriberIndex<Subscriber>;
  /** Null until the tail knows the head of the log. All subscribers are notified when it is set. */
  readonly recentChanges: RecentChanges | null;
  /** Position up to which the tail has read the log. */
  readonly head: LogPosition;
  readonly awaitedUsers: AwaitedUsers<Subscriber>;
  /** Makes the tail read the log now. */
  wakeTail(): void;
  readonly logId: string;
  /** Maximum number of queued entries per subscriber. */
  readonly queueSize: number;
  readonly onOutage: OutageLog;
  /** Subscribers that have not ended. */
  readonly subscribers: Set<Subscriber>;
}

export interface Subscriber {
  readonly feedState: FeedState;
  readonly filter: ChangeFilter;
  /** Users whose entries match. Null: all users. Grows when one of them is merged into another user. */
  readonly userIds: Set<number> | null;
  readonly queue: Change[];
  /** Notified when a pending `next` call can continue. */
  readonly signal: Signal;
  /** Position to start after. Undefined: the head of the log when `subscribe` was called. */
  readonly after: LogPosition | undefined;
  /** Pending read of the head. Null if it is not needed, or was used. */
  initialHead: Promise<LogState> | null;
  readTo: LogPosition | null;
  awaited: AwaitedUser | null;
  sink: FrameSink | null;
  live: boolean;
  /** Whether a `next` call waits for a live entry. */
  waiting: boolean;
  /** Number of consecutive failed reads. */
  failures: number;
  ended: boolean;
  /** Error that ended the stream. Null after `next` has thrown it. */
  failure: Error | null;
  onEnd: () => void;
}

/** User that did not exist when the subscriber started. */
export interface AwaitedUser {
  readonly externalUserId: string;
  /** Whether the subscriber was added to `FeedState.awaitedUsers`. */
  indexed: boolean;
  /** Null until the user is found. */
  userId: number | null;
}

/** Moves from CATCHING_UP to LIVE. `readTo` must be the head of the tail, or after it. */
export function goLive(subscriber: Subscriber): void {
  subscriber.live = true;
  subscriber.feedState.index.add(subscriber);
}

/**
 * Moves from LIVE to CATCHING_UP. Drops the queue; its entries are read again. Does nothing in other states.
 *
 * @param seenTo - Position of the tail, from which to read if the queue is empty.
 */
export function fallBehind(subscriber: Subscriber, seenTo: LogPosition): void {
  const { live, feedState, queue, signal } = subscriber;
  if (!live) return;
  subscriber.live = false;
  feedState.index.remove(subscriber);
  const [first] = queue;
  // The nonce before a queued entry is unknown. The tail checks the log for this subscriber too.
  subscriber.readTo = first === undefined ? seenTo : { seq: first.seq - 1, nonce: null };
  queue.length = 0;
  signal.notify();
}

/**
 * Sets the user that the subscriber awaits. Does nothing if it is set.
 *
 * @param from - Position before the first entry of the user, or earlier.
 */
export function setAwaitedUser(subscriber: Subscriber, userId: number, from: LogPosition): void {
  const { awaited, feedState, readTo, signal } = subscriber;
  if (awaited === null || awaited.userId !== null) return;
  awaited.userId = userId;
  feedState.awaitedUsers.remove(awaited.externalUserId, subscriber);
  if (readTo === null || readTo.seq < from.seq) subscriber.readTo = from;
  signal.notify();
}

/** Whether the subscriber has yet to reach the head of the log. False while it awaits a user. */
export function isBehind({ live, awaited }: Subscriber): boolean {
  return !live && awaited?.indexed !== true;
}

/** Ends the stream with an error. The next `next` call rejects with it. */
export function fail(subscriber: Subscriber, failure: Error): void {
  if (subscriber.ended) return;
  subscriber.failure = failure;
  end(subscriber);
}

/** Ends the stream and drops the queue. Idempotent. */
export function end(subscriber: Subscriber): void {
  const { ended, feedState, awaited, queue, signal } = subscriber;
  if (ended) return;
  if (awaited !== null) feedState.awaitedUsers.remove(awaited.externalUserId, subscriber);
  subscriber.ended = true;
  subscriber.live = false;
  feedState.index.remove(subscriber);
  feedState.subscribers.delete(subscriber);
  subscriber.onEnd();
  queue.length = 0;
  signal.notify();
}
