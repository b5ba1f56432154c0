/** Pushes entries to live subscribers, through their sink or their queue. */

import type { Change } from '../domain/change';
import { toPosition } from '../domain/cursor';
import type { EncodedChange } from './broadcast-queue';
import { matchesFilterExceptUser } from './change-filter';
import type { RecentChanges } from './recent-changes';
import { fallBehind, type Subscriber } from './subscriber';
import type { SubscriberHandler } from './subscriber-index';

export const SUBSCRIBER_HANDLER: SubscriberHandler<Subscriber> = {
  getEncoder: ({ sink }) => sink?.encoder ?? null,
  matches: isNext,
  isReady: canSend,

  push(subscriber, changes) {
    if (!subscriber.live) return;
    const due = changes.filter(({ change }) => isNext(subscriber, change));
    const last = due.at(-1);
    if (last === undefined) return;
    if (canSend(subscriber) && send(subscriber, due)) {
      subscriber.readTo = toPosition(last.change);
    } else {
      for (const { change } of due) enqueue(subscriber, change);
    }
  },
};

/** Whether the entry follows `readTo` and matches, apart from its user. */
function isNext({ readTo, filter }: Subscriber, change: Change): boolean {
  return readTo !== null && change.seq > readTo.seq && matchesFilterExceptUser(change, filter);
}

/** Frames may be sent only while `next` waits and the queue is empty. Otherwise they would overtake queued entries. */
function canSend({ live, waiting, queue }: Subscriber): boolean {
  return live && waiting && queue.length === 0;
}

function send({ sink }: Subscriber, changes: readonly EncodedChange[]): boolean {
  if (sink === null || changes.some(({ frame }) => frame === undefined)) return false;
  return sink.send(changes.map(({ frame }) => frame));
}

function enqueue(subscriber: Subscriber, change: Change): void {
  const { queue, feedState, signal } = subscriber;
  if (queue.length >= feedState.queueSize || isTooOld(queue, feedState.recentChanges)) {
    fallBehind(subscriber, feedState.head);
  }
  if (!subscriber.live) return;
  subscriber.readTo = toPosition(change);
  queue.push(change);
  signal.notify();
}

/**
 * Whether the queue has entries that the recent changes no longer contain. Those are bounded in bytes and shared, so this check
 * also bounds the memory of all queues.
 */
function isTooOld([first]: readonly Change[], recentChanges: RecentChanges | null): boolean {
  return (
    first !== undefined && recentChanges !== null && !recentChanges.reachesBackTo(first.seq - 1)
  );
}
