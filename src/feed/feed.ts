/** Tails the change log once per process and fans it out; every subscriber reads the log at its own pace. */

import type { Logger } from 'pino';
import type { Change } from '../domain/change';
import { LOG_START, type LogPosition, toPosition } from '../domain/cursor';
import { CursorInvalidError } from '../domain/errors';
import { createAwaitedUsers } from './awaited-users';
import type { ChangeStream } from './frame-encoder';
import { createOutageLog } from './outage-log';
import { createRecentChanges, type RecentChanges } from './recent-changes';
import { createSubscriberIndex } from './subscriber-index';
import {
  appear,
  end,
  type FeedReader,
  type FeedState,
  fail,
  fallBehind,
  isBehind,
  LISTENERS,
  type SubscribeOptions,
  type Subscriber,
  subscribe,
} from './subscription';
import { createTail } from './tail';
import type { Wakeup } from './wakeup/wakeup';

export interface Feed {
  /** The log has grown; look now. Carries nothing, may be lost. */
  wake(): void;

  /**
   * Every log entry after the position `after` that matches, in order, none twice, none left out, until `signal`
   * aborts. Without `after`: from the head of the log as of this call. Who asks about a user goes on with the one that
   * it is merged into.
   * @throws {CursorExpiredError} if the log no longer reaches back that far, at the start or because the subscriber
   *   read too slowly; {CursorInvalidError} if the log does not hold the entry at `after`, or was restored to an earlier
   *   moment while the subscriber followed it.
   */
  subscribe(wish: SubscribeOptions): ChangeStream;

  /** How far the log was read, and who follows it. */
  standing(): FeedStats;

  /** Ends every subscription. Close the sockets first: an ended subscription tells its client not to come back. */
  stop(): Promise<void>;
}

export interface FeedStats {
  /** Position up to which this process has read the log; `null` until it has begun. */
  readonly position: number | null;
  readonly subscriptions: number;
  /** Those of them that have yet to catch up with the head of the log. */
  readonly behind: number;
}

export interface FeedOptions {
  readonly read: FeedReader;
  /** See `Store.logId`. */
  readonly logId: string;
  readonly wakeup: Wakeup;
  readonly log: Pick<Logger, 'warn'>;
  /** How often to look at the log without having been woken. */
  readonly pollMs?: number;
  /** Entries kept in memory for those who resume a little behind. */
  readonly windowSize?: number;
  /** Entries that may wait for one subscriber; beyond, it reads them again when it asks. */
  readonly queueSize?: number;
}

/** Entries that a press may lag behind the log before the log is read no further. */
const MAX_UNDER_WAY = 50;

export function createFeed(options: FeedOptions): Feed {
  const { read, logId, wakeup, log } = options;
  const { pollMs = 1000, windowSize = 4096, queueSize = 1000 } = options;
  const onOutage = createOutageLog(log);
  const around: FeedState & { window: RecentChanges | null; head: LogPosition } = {
    read,
    audience: createSubscriberIndex(LISTENERS),
    awaited: createAwaitedUsers<Subscriber>({ read, onAppear: appear, onOutage }),
    wakeTail: () => tail.wake(),
    window: null,
    head: LOG_START,
    logId,
    queueSize,
    onOutage,
    subscribers: new Set(),
  };
  const { audience, awaited, subscribers: crowd } = around;

  function onStart(head: LogPosition): void {
    around.window = createRecentChanges(windowSize, head.seq);
    around.head = head;
    for (const { signal: bell } of crowd) bell.notify();
  }

  /** A subscriber that has not begun is left to check its position by itself. */
  function onReplaced(): void {
    log.warn({}, 'the change log was restored to an earlier moment; ending all subscriptions');
    around.window = null;
    for (const subscriber of crowd) {
      if (subscriber.readTo === null && subscriber.after !== undefined) continue;
      fail(subscriber, new CursorInvalidError());
    }
  }

  function onRecovered(): void {
    for (const { failures, signal: bell } of crowd) if (failures > 0) bell.notify();
  }

  async function onEntries(changes: readonly Change[], before: LogPosition): Promise<void> {
    const { window } = around;
    const [first, last] = [changes[0], changes.at(-1)];
    if (window === null || first === undefined || last === undefined) return;
    const seenTo = window.head;
    // What was said of whoever is erased stands in the log no more, and is not to be told from memory.
    if (changes.some(({ cause }) => cause.kind === 'ERASURE')) {
      window.clear();
      for (const subscriber of crowd)
        if (subscriber.queue.length > 0) fallBehind(subscriber, before);
    }
    if (first.seq === seenTo + 1) {
      window.append(changes);
      around.head = toPosition(last);
      awaited.look(changes, before);
      for (const change of changes) {
        audience.publish(change);
        await audience.until(MAX_UNDER_WAY);
      }
    } else {
      await audience.until(0);
      window.append(changes);
      around.head = toPosition(last);
      for (const subscriber of crowd) fallBehind(subscriber, before); // the log was cut before we read it
      for (const { signal: bell } of awaited.waiters()) bell.notify();
    }
  }

  const tail = createTail({
    read,
    onStart,
    onEntries,
    onReplaced,
    onRecovered,
    onOutage,
    pollMs,
  });
  const stopListening = wakeup.onWake(() => tail.wake());

  return {
    wake: () => wakeup.wake(),

    subscribe: (wish) => subscribe(around, wish),

    standing: () => ({
      position: around.window?.head ?? null,
      subscriptions: crowd.size,
      behind: [...crowd].filter(isBehind).length,
    }),

    async stop() {
      stopListening();
      awaited.stop();
      await tail.stop();
      for (const subscriber of crowd) end(subscriber);
    },
  };
}
