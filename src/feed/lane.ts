/** Entries on their way through one press: several are made at a time, and they come out in order. */

import { setImmediate as breathe } from 'node:timers/promises';
import type { Change } from '../domain/change';
import { createBell } from './bell';
import type { Press } from './outlet';

export interface Recipient {
  /** Whether it could take what the press makes, as far as can be told now. */
  readonly ready: boolean;
  /** @param made - What the press made of the entry, if it did. */
  offer(change: Change, made?: unknown): void;
}

export interface Lane {
  add(change: Change, recipients: readonly Recipient[]): void;
  /** Resolves when no more than `count` entries are under way. One waiter at a time. */
  until(count: number): Promise<void>;
}

interface Entry {
  readonly change: Change;
  readonly recipients: readonly Recipient[];
  made: Promise<unknown> | null;
}

/** Entries that are made at a time. */
const AHEAD = 8;
const NOTHING = Promise.resolve(undefined);
/** Recipients who are served before others in the process have their turn. */
const AT_A_TIME = 500;

/** @param onEmpty - Called when all that was added has come out; the lane is not to be used any more then. */
export function createLane(press: Press<unknown>, onEmpty: () => void): Lane {
  const entries: Entry[] = [];
  const delivered = createBell();

  function makeAhead(): void {
    for (const entry of entries.slice(0, AHEAD)) {
      entry.made ??= entry.recipients.some(({ ready }) => ready) ? make(entry) : NOTHING;
    }
  }

  /** What goes wrong is found again, and told, by each recipient who makes it alone. */
  function make({ change }: Entry): Promise<unknown> {
    return press.make(change).catch(() => undefined);
  }

  async function run(): Promise<void> {
    for (let entry = entries[0]; entry !== undefined; entry = entries[0]) {
      await deliver(entry, await entry.made);
      entries.shift();
      makeAhead();
      delivered.ring();
    }
    onEmpty();
  }

  return {
    add(change, recipients) {
      entries.push({ change, recipients, made: null });
      makeAhead();
      if (entries.length === 1) void run();
    },

    async until(count) {
      while (entries.length > count) await delivered.wait();
    },
  };
}

async function deliver({ change, recipients }: Entry, made: unknown): Promise<void> {
  let served = 0;
  for (const recipient of recipients) {
    recipient.offer(change, made);
    served += 1;
    if (served % AT_A_TIME === 0) await breathe();
  }
}
