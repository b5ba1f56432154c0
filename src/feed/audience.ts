/** Who listens to the head of the log, found by the user they ask about. */

import type { Change } from '../domain/change';
import { createLane, type Lane, type Recipient } from './lane';
import type { Press } from './outlet';

export interface Listener extends Recipient {
  /** Whose entries it wants; `null`: everybody's. Grows as those users are merged into others. */
  readonly userIds: Set<number> | null;
  /** What makes of an entry what it is offered with it; `null`: it is offered the entry alone, and at once. */
  readonly press: Press<unknown> | null;
  /** Whether to offer it the entry, as far as can be told now. May be offered it in spite of that. */
  wants(change: Change): boolean;
}

export interface Audience {
  join(listener: Listener): void;
  leave(listener: Listener): void;
  /** Offers the entry to all whom it may concern. Costs nothing for those who ask about other users. */
  publish(change: Change): void;
  /** Resolves when no press has more than `count` entries before it. One waiter at a time. */
  until(count: number): Promise<void>;
}

export function createAudience(): Audience {
  const unfiltered = new Set<Listener>();
  const byUser = new Map<number, Set<Listener>>();
  const lanes = new Map<Press<unknown>, Lane>();

  function index(userId: number, listener: Listener): void {
    const listeners = byUser.get(userId);
    if (listeners === undefined) byUser.set(userId, new Set([listener]));
    else listeners.add(listener);
  }

  function unindex(userId: number, listener: Listener): void {
    const listeners = byUser.get(userId);
    listeners?.delete(listener);
    if (listeners?.size === 0) byUser.delete(userId);
  }

  /** Who asked about the user that went into another is told of the merge, and of the other from then on. */
  function followMerge(from: number, into: number): void {
    for (const listener of byUser.get(from) ?? []) {
      listener.userIds?.add(into);
      index(into, listener);
    }
  }

  function laneOf(press: Press<unknown>): Lane {
    const lane = lanes.get(press) ?? createLane(press, () => lanes.delete(press));
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
      const concerned = [unfiltered, byUser.get(change.userId) ?? []];
      for (const [press, listeners] of byPress(change, concerned)) {
        if (press !== null) laneOf(press).add(change, listeners);
        else for (const listener of listeners) listener.offer([{ change, made: undefined }]);
      }
    },

    async until(count) {
      for (const lane of lanes.values()) await lane.until(count);
    },
  };
}

function byPress(
  change: Change,
  concerned: readonly Iterable<Listener>[],
): ReadonlyMap<Press<unknown> | null, readonly Listener[]> {
  const wanting = new Map<Press<unknown> | null, Listener[]>();
  for (const listeners of concerned) {
    for (const listener of listeners) {
      if (!listener.wants(change)) continue;
      const others = wanting.get(listener.press);
      if (others === undefined) wanting.set(listener.press, [listener]);
      else others.push(listener);
    }
  }
  return wanting;
}
