/** Who listens to the head of the log, found by the user they ask about. */

import type { Change } from '../domain/change';

export interface Listener {
  /** Whose entries it wants; `null`: everybody's. Grows as those users are merged into others. */
  readonly userIds: Set<number> | null;
  /** May be offered the same entry more than once. */
  offer(change: Change): void;
}

export interface Audience {
  join(listener: Listener): void;
  leave(listener: Listener): void;
  /** Offers the entry to all whom it may concern. Costs nothing for those who ask about other users. */
  publish(change: Change): void;
}

export function createAudience(): Audience {
  const unfiltered = new Set<Listener>();
  const byUser = new Map<number, Set<Listener>>();

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
      for (const listener of unfiltered) listener.offer(change);
      for (const listener of byUser.get(change.userId) ?? []) listener.offer(change);
    },
  };
}
