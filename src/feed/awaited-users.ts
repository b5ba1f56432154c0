/**
 * Subscribers for users that do not exist yet, indexed by the customer's ID for the user.
 *
 * A waiting subscriber costs nothing: the users of new log entries are looked up, all at once, and not the subscribers.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from '../domain/change';
import type { LogPosition } from '../domain/cursor';
import type { Reader } from '../store/read/reader';
import type { OutageLog } from './outage-log';

export interface AwaitedUsers<Waiter> {
  add(externalUserId: string, waiter: Waiter): void;
  remove(externalUserId: string, waiter: Waiter): void;
  /** Looks up the users of these entries. @param before - Position before the first of them. */
  look(changes: readonly Change[], before: LogPosition): void;
  waiters(): Iterable<Waiter>;
  stop(): void;
}

export interface AwaitedUsersOptions<Waiter> {
  readonly read: Pick<Reader, 'externalIdsOf'>;
  /** @param from - No entry before this position is about the user. */
  readonly onAppear: (waiter: Waiter, userId: number, from: LogPosition) => void;
  readonly onOutage: OutageLog;
}

/** Between two look-ups, so that a busy log costs few of them. */
const PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 5_000;

export function createAwaitedUsers<Waiter>(
  options: AwaitedUsersOptions<Waiter>,
): AwaitedUsers<Waiter> {
  const { read, onAppear, onOutage } = options;
  const waiting = new Map<string, Set<Waiter>>();
  const userIds = new Set<number>();
  let from: LogPosition | null = null;
  let running = false;
  let stopped = false;

  async function run(): Promise<void> {
    running = true;
    let pauseMs = PAUSE_MS;
    while (!stopped && from !== null && waiting.size > 0) {
      pauseMs = (await lookUp([...userIds], from)) ? PAUSE_MS : 2 * pauseMs;
      await sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), undefined, { ref: false });
    }
    userIds.clear();
    from = null;
    running = false;
  }

  /** Returns whether the store answered. Entries that come while it answers are left for the next look-up. */
  async function lookUp(ids: readonly number[], before: LogPosition): Promise<boolean> {
    userIds.clear();
    from = null;
    try {
      for (const { externalUserId, userId } of await read.externalIdsOf(ids)) {
        for (const waiter of waiting.get(externalUserId) ?? []) onAppear(waiter, userId, before);
      }
      return true;
    } catch (err) {
      onOutage(err);
      for (const id of ids) userIds.add(id);
      from = before;
      return false;
    }
  }

  return {
    add(externalUserId, waiter) {
      const others = waiting.get(externalUserId);
      if (others === undefined) waiting.set(externalUserId, new Set([waiter]));
      else others.add(waiter);
    },

    remove(externalUserId, waiter) {
      const others = waiting.get(externalUserId);
      others?.delete(waiter);
      if (others?.size === 0) waiting.delete(externalUserId);
    },

    look(changes, before) {
      if (waiting.size === 0) return; // a subscriber that is added later looks the user up itself
      from ??= before;
      for (const { userId, cause } of changes) {
        userIds.add(userId);
        if (cause.mergedUserId !== null) userIds.add(cause.mergedUserId);
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
