/** Live subscribers, indexed by user. Publishing an entry costs nothing for subscribers to other users. */

import type { Change } from '../domain/change';
import type { FrameEncoder } from './broadcast-queue';
import {
  type BroadcastQueue,
  createBroadcastQueue,
  type RecipientHandler,
} from './broadcast-queue';

export interface IndexedSubscriber {
  /** Users whose entries match. Null: all users. Grows when one of them is merged into another user. */
  readonly userIds: Set<number> | null;
}

export interface SubscriberHandler<S> extends RecipientHandler<S> {
  /** Returns null if the subscriber has no encoder. Entries are then pushed to it at once, without a frame. */
  getEncoder(subscriber: S): FrameEncoder<unknown> | null;
  /** Whether the entry matches, apart from its user. */
  matches(subscriber: S, change: Change): boolean;
}

export interface SubscriberIndex<S extends IndexedSubscriber> {
  add(subscriber: S): void;
  remove(subscriber: S): void;
  /** Queues the entry for the subscribers that it matches. */
  publish(change: Change): void;
  /** Resolves when each encoder has at most `count` entries queued. At most one caller may wait at a time. */
  drainTo(count: number): Promise<void>;
}

export function createSubscriberIndex<S extends IndexedSubscriber>(
  handler: SubscriberHandler<S>,
): SubscriberIndex<S> {
  const unfiltered = new Set<S>();
  const byUser = new Map<number, Set<S>>();
  const queues = new Map<FrameEncoder<unknown>, BroadcastQueue<S>>(); // only non-empty ones

  function addTo(userId: number, subscriber: S): void {
    const subscribers = byUser.get(userId);
    if (subscribers === undefined) byUser.set(userId, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  function removeFrom(userId: number, subscriber: S): void {
    const subscribers = byUser.get(userId);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) byUser.delete(userId);
  }

  /** Adds subscribers to the merged user to the remaining one. They receive the merge itself, too. */
  function followMerge(mergedUserId: number, userId: number): void {
    for (const subscriber of byUser.get(mergedUserId) ?? []) {
      subscriber.userIds?.add(userId);
      addTo(userId, subscriber);
    }
  }

  function groupByEncoder(change: Change): ReadonlyMap<FrameEncoder<unknown> | null, readonly S[]> {
    const groups = new Map<FrameEncoder<unknown> | null, S[]>();
    for (const candidates of [unfiltered, byUser.get(change.userId) ?? []]) {
      for (const subscriber of candidates) {
        if (!handler.matches(subscriber, change)) continue;
        const encoder = handler.getEncoder(subscriber);
        const subscribers = groups.get(encoder);
        if (subscribers === undefined) groups.set(encoder, [subscriber]);
        else subscribers.push(subscriber);
      }
    }
    return groups;
  }

  function getQueue(encoder: FrameEncoder<unknown>): BroadcastQueue<S> {
    const queue =
      queues.get(encoder) ?? createBroadcastQueue(encoder, handler, () => queues.delete(encoder));
    queues.set(encoder, queue);
    return queue;
  }

  return {
    add(subscriber) {
      if (subscriber.userIds === null) unfiltered.add(subscriber);
      for (const userId of subscriber.userIds ?? []) addTo(userId, subscriber);
    },

    remove(subscriber) {
      unfiltered.delete(subscriber);
      for (const userId of subscriber.userIds ?? []) removeFrom(userId, subscriber);
    },

    publish(change) {
      const { mergedUserId } = change.cause;
      if (mergedUserId !== null) followMerge(mergedUserId, change.userId);
      for (const [encoder, subscribers] of groupByEncoder(change)) {
        if (encoder !== null) getQueue(encoder).add(change, subscribers);
        else for (const each of subscribers) handler.push(each, [{ change, frame: undefined }]);
      }
    },

    async drainTo(count) {
      for (const queue of queues.values()) await queue.drainTo(count);
    },
  };
}
