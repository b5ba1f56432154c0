/** Tails the change log once per process and distributes the entries. Each subscriber reads at its own pace. */

import type { Logger } from 'pino';
import type { Change } from '../domain/change';
import { LOG_START, type LogPosition, toPosition } from '../domain/cursor';
import { CursorInvalidError } from '../domain/errors';
import { createAwaitedUsers } from './awaited-users';
import type { ChangeStream } from './broadcast-queue';
import { SUBSCRIBER_HANDLER } from './live-push';
import { createOutageLog } from './outage-log';
import { createRecentChanges, type RecentChanges } from './recent-changes';
import {
  end,
  type FeedReader,
  type FeedState,
  fail,
  fallBehind,
  isBehind,
  type Subscriber,
  setAwaitedUser,
} from './subscriber';
import { createSubscriberIndex } from './subscriber-index';
import { type SubscribeOptions, subscribe } from './subscription';
import { createTail, type Tail } from './tail';
import type { Wakeup } from './wakeup/wakeup';

export interface Feed {
  /** Makes this process and other instances read the log now. Calls may be lost; the feed also polls. */
  wake(): void;

  /**
   * Returns a stream of the matching entries after `after`, in order, each exactly once. It ends when `signal` aborts. Default of
   * `after`: the head of the log at the time of the call. A filter on a user follows its merges.
   *
   * @throws {CursorExpiredError} From the stream, at the start or later, if the log was trimmed after the last entry it returned.
   * @throws {CursorInvalidError} From the stream, if the log does not contain the entry at `after`, or was restored to an earlier
   *   moment.
   */
  subscribe(options: SubscribeOptions): ChangeStream;

  stats(): FeedStats;

  /** Ends all streams. Close the sockets first: a stream that ends is reported to the client as complete. */
  stop(): Promise<void>;
}

export interface FeedStats {
  /** Position up to which this process has read the log. Null until the first read. */
  readonly position: number | null;
  readonly subscriptions: number;
  /** Number of subscriptions that have yet to reach the head of the log. */
  readonly behind: number;
}

export interface FeedOptions {
  readonly read: FeedReader;
  /** See `Store.logId`. */
  readonly logId: string;
  readonly wakeup: Wakeup;
  readonly log: Pick<Logger, 'warn'>;
  /** Interval of reads without a wake-up. Default: 1 second. */
  readonly pollMs?: number;
  /** Number of recent entries kept in memory, for subscribers that resume a little behind. Default: 4096. */
  readonly windowSize?: number;
  /** Maximum number of queued entries per subscriber. Further entries are read again when needed. Default: 1000. */
  readonly queueSize?: number;
}

/** Number of queued entries per encoder above which the tail pauses. */
const MAX_QUEUED = 50;

export function createFeed(options: FeedOptions): Feed {
  return new ChangeFeed(options);
}

type MutableFeedState = FeedState & { recentChanges: RecentChanges | null; head: LogPosition };

class ChangeFeed implements Feed {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #wakeup: Wakeup;
  readonly #windowSize: number;
  readonly #state: MutableFeedState;
  readonly #tail: Tail;
  readonly #removeListener: () => void;

  constructor(options: FeedOptions) {
    const {
      read,
      logId,
      wakeup,
      log,
      pollMs = 1000,
      windowSize = 4096,
      queueSize = 1000,
    } = options;
    const onOutage = createOutageLog(log);
    this.#log = log;
    this.#wakeup = wakeup;
    this.#windowSize = windowSize;
    this.#state = {
      read,
      index: createSubscriberIndex(SUBSCRIBER_HANDLER),
      awaitedUsers: createAwaitedUsers<Subscriber>({ read, onFound: setAwaitedUser, onOutage }),
      wakeTail: () => this.#tail.wake(),
      recentChanges: null,
      head: LOG_START,
      logId,
      queueSize,
      onOutage,
      subscribers: new Set(),
    };
    this.#tail = createTail({
      read,
      onStart: (head) => this.#onStart(head),
      onEntries: (changes, before) => this.#onEntries(changes, before),
      onReplaced: () => this.#onReplaced(),
      onRecovered: () => this.#onRecovered(),
      onOutage,
      pollMs,
    });
    this.#removeListener = wakeup.onWake(() => this.#tail.wake());
  }

  wake(): void {
    this.#wakeup.wake();
  }

  subscribe(options: SubscribeOptions): ChangeStream {
    return subscribe(this.#state, options);
  }

  stats(): FeedStats {
    const { recentChanges, subscribers } = this.#state;
    return {
      position: recentChanges?.head ?? null,
      subscriptions: subscribers.size,
      behind: [...subscribers].filter(isBehind).length,
    };
  }

  async stop(): Promise<void> {
    const { awaitedUsers, subscribers } = this.#state;
    this.#removeListener();
    awaitedUsers.stop();
    await this.#tail.stop();
    for (const subscriber of subscribers) end(subscriber);
  }

  #onStart(head: LogPosition): void {
    this.#state.recentChanges = createRecentChanges(this.#windowSize, head.seq);
    this.#state.head = head;
    for (const { signal } of this.#state.subscribers) signal.notify();
  }

  /** Ends all streams, except those that have not started: they check their start position themselves. */
  #onReplaced(): void {
    this.#log.warn({}, 'detected a restored change log; ending all subscriptions');
    this.#state.recentChanges = null;
    for (const subscriber of this.#state.subscribers) {
      if (subscriber.readTo === null && subscriber.after !== undefined) continue;
      fail(subscriber, new CursorInvalidError());
    }
  }

  #onRecovered(): void {
    for (const { failures, signal } of this.#state.subscribers) if (failures > 0) signal.notify();
  }

  async #onEntries(changes: readonly Change[], before: LogPosition): Promise<void> {
    const { recentChanges } = this.#state;
    const [first, last] = [changes[0], changes.at(-1)];
    if (recentChanges === null || first === undefined || last === undefined) return;
    const follows = first.seq === recentChanges.head + 1;
    if (changes.some(({ cause }) => cause.kind === 'ERASURE')) {
      this.#dropErased(recentChanges, before);
    }
    if (!follows) await this.#state.index.drainTo(0);
    recentChanges.append(changes);
    this.#state.head = toPosition(last);
    if (follows) await this.#publish(changes, before);
    else this.#skipGap(before);
  }

  /** An erasure removes the entries of the user from the log, so copies in memory must not be sent any more. */
  #dropErased(recentChanges: RecentChanges, before: LogPosition): void {
    recentChanges.clear();
    for (const subscriber of this.#state.subscribers) {
      if (subscriber.queue.length > 0) fallBehind(subscriber, before);
    }
  }

  async #publish(changes: readonly Change[], before: LogPosition): Promise<void> {
    const { awaitedUsers, index } = this.#state;
    awaitedUsers.lookUp(changes, before);
    for (const change of changes) {
      index.publish(change);
      await index.drainTo(MAX_QUEUED);
    }
  }

  /** The log was trimmed before the tail could read it. Subscribers read it themselves, which fails if they miss an entry. */
  #skipGap(before: LogPosition): void {
    const { awaitedUsers, subscribers } = this.#state;
    for (const subscriber of subscribers) fallBehind(subscriber, before);
    for (const { signal } of awaitedUsers.waiters()) signal.notify();
  }
}
