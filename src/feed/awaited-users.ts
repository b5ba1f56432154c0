/**
 * Subscribers to users that do not exist yet, indexed by the external user ID.
 *
 * Looks up the users of new log entries in batches, so that the cost does not depend on the number of waiting subscribers.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from '../domain/change';
import type { LogPosition } from '../domain/cursor';
import type { Reader } from '../store/read/reader';
import type { OutageLog } from './outage-log';

export interface AwaitedUsers<Waiter> {
  add(externalUserId: string, waiter: Waiter): void;
  remove(externalUserId: string, waiter: Waiter): void;
  /** Looks up the users of these entries. @param before - Position before the first entry. */
  lookUp(changes: readonly Change[], before: LogPosition): void;
  waiters(): Iterable<Waiter>;
  stop(): void;
}

export interface AwaitedUsersOptions<Waiter> {
  readonly read: Pick<Reader, 'externalIdsOf'>;
  /** Called when the user exists. @param from - Position before the first entry of the user, or earlier. */
  readonly onFound: (waiter: Waiter, userId: number, from: LogPosition) => void;
  readonly onOutage: OutageLog;
}

/** Minimum time between two lookups, so that a busy log causes few of them. */
const PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 5_000;

export function createAwaitedUsers<Waiter>(
  options: AwaitedUsersOptions<Waiter>,
): AwaitedUsers<Waiter> {
  const { read, onFound, onOutage } = options;
  const waiting = new Map<string, Set<Waiter>>();
  const pendingUserIds = new Set<number>();
  let pendingFrom: LogPosition | null = null;
  let running = false;
  let stopped = false;

  async function run(): Promise<void> {
    running = true;
    let pauseMs = PAUSE_MS;
    while (!stopped && pendingFrom !== null && waiting.size > 0) {
      pauseMs = (await lookUpUsers([...pendingUserIds], pendingFrom)) ? PAUSE_MS : 2 * pauseMs;
      await sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), undefined, { ref: false });
    }
    pendingUserIds.clear();
    pendingFrom = null;
    running = false;
  }

  /** Returns whether the read succeeded. Entries that arrive during it are pending for the next lookup. */
  async function lookUpUsers(userIds: readonly number[], before: LogPosition): Promise<boolean> {
    pendingUserIds.clear();
    pendingFrom = null;
    try {
      for (const { externalUserId, userId } of await read.externalIdsOf(userIds)) {
        for (const waiter of waiting.get(externalUserId) ?? []) onFound(waiter, userId, before);
      }
      return true;
    } catch (err) {
      onOutage(err);
      for (const userId of userIds) pendingUserIds.add(userId);
      pendingFrom = before;
      return false;
    }
  }

  return {
    add(externalUserId, waiter) {
      const waiters = waiting.get(externalUserId);
      if (waiters === undefined) waiting.set(externalUserId, new Set([waiter]));
      else waiters.add(waiter);
    },

    remove(externalUserId, waiter) {
      const waiters = waiting.get(externalUserId);
      waiters?.delete(waiter);
      if (waiters?.size === 0) waiting.delete(externalUserId);
    },

    lookUp(changes, before) {
      if (waiting.size === 0) return; // a subscriber that is added later looks up its user itself
      pendingFrom ??= before;
      for (const { userId, cause } of changes) {
        pendingUserIds.add(userId);
        if (cause.mergedUserId !== null) pendingUserIds.add(cause.mergedUserId);
      }
      if (!running) void run();
    },

    *waiters() {
      for (const waiters of waiting.values()) yield* waiters;
    },

    stop() {
      stopped = true;
    },
  };
}
