/** Who listens to the head of the log, found by the user they ask about. */

import type { Change } from '../domain/change';
import { type BroadcastQueue, createBroadcastQueue, type Recipients } from './broadcast-queue';
import type { FrameEncoder } from './frame-encoder';

export interface IndexedSubscriber {
  /** Whose entries it wants; `null`: everybody's. Grows as those users are merged into others. */
  readonly userIds: Set<number> | null;
}

/** How listeners are dealt with. */
export interface Listeners<L> extends Recipients<L> {
  /** What makes of an entry what it is offered with it; `null`: it is offered the entry alone, and at once. */
  pressOf(listener: L): FrameEncoder<unknown> | null;
  /** Whether to offer it the entry, as far as can be told now. May be offered it in spite of that. */
  wants(listener: L, change: Change): boolean;
}

export interface SubscriberIndex<L extends IndexedSubscriber> {
  join(listener: L): void;
  leave(listener: L): void;
  /** Offers the entry to all whom it may concern. Costs nothing for those who ask about other users. */
  publish(change: Change): void;
  /** Resolves when no press has more than `count` entries before it. One waiter at a time. */
  until(count: number): Promise<void>;
}

export function createSubscriberIndex<L extends IndexedSubscriber>(
  listeners: Listeners<L>,
): SubscriberIndex<L> {
  const unfiltered = new Set<L>();
  const byUser = new Map<number, Set<L>>();
  const lanes = new Map<FrameEncoder<unknown>, BroadcastQueue<L>>(); // with entries under way

  function index(userId: number, listener: L): void {
    const others = byUser.get(userId);
    if (others === undefined) byUser.set(userId, new Set([listener]));
    else others.add(listener);
  }

  function unindex(userId: number, listener: L): void {
    const others = byUser.get(userId);
    others?.delete(listener);
    if (others?.size === 0) byUser.delete(userId);
  }

  /** Who asked about the user that went into another is told of the merge, and of the other from then on. */
  function followMerge(from: number, into: number): void {
    for (const listener of byUser.get(from) ?? []) {
      listener.userIds?.add(into);
      index(into, listener);
    }
  }

  function byPress(change: Change): ReadonlyMap<FrameEncoder<unknown> | null, readonly L[]> {
    const wanting = new Map<FrameEncoder<unknown> | null, L[]>();
    for (const concerned of [unfiltered, byUser.get(change.userId) ?? []]) {
      for (const listener of concerned) {
        if (!listeners.wants(listener, change)) continue;
        const press = listeners.pressOf(listener);
        const others = wanting.get(press);
        if (others === undefined) wanting.set(press, [listener]);
        else others.push(listener);
      }
    }
    return wanting;
  }

  function laneOf(press: FrameEncoder<unknown>): BroadcastQueue<L> {
    const lane =
      lanes.get(press) ?? createBroadcastQueue(press, listeners, () => lanes.delete(press));
    lanes.set(press, lane);
    return lane;
  }

  return {
    join(listener) {
      if (listener.userIds === null) unfiltered.add(listener);
      for (const userId of listener.userIds ?? []) index(userId, listener);
    },

    leave(listener) {
      unfiltered.delete(listener);
      for (const userId of listener.userIds ?? []) unindex(userId, listener);
    },

    publish(change) {
      const { mergedUserId } = change.cause;
      if (mergedUserId !== null) followMerge(mergedUserId, change.userId);
      for (const [press, wanting] of byPress(change)) {
        if (press !== null) laneOf(press).add(change, wanting);
        else
          for (const listener of wanting) listeners.offer(listener, [{ change, made: undefined }]);
      }
    },

    async until(count) {
      for (const lane of lanes.values()) await lane.until(count);
    },
  };
}
