/** Entries on their way through one press: several are made at a time, and they come out in order. */

import { setImmediate as breathe } from 'node:timers/promises';
import type { Change } from '../domain/change';
import type { FrameEncoder } from './frame-encoder';
import { createSignal } from './signal';

/** An entry, and what the press made of it; `undefined` if it failed, or nobody could have taken it. */
export interface Offer {
  readonly change: Change;
  readonly made: unknown;
}

/** How recipients are dealt with. */
export interface Recipients<Recipient> {
  /** Whether it could take what the press makes, as far as can be told now. */
  isReady(recipient: Recipient): boolean;
  /** @param offers - In the order of the log. */
  offer(recipient: Recipient, offers: readonly Offer[]): void;
}

export interface BroadcastQueue<Recipient> {
  add(change: Change, recipients: readonly Recipient[]): void;
  /** Resolves when no more than `count` entries are under way. One waiter at a time. */
  until(count: number): Promise<void>;
}

interface Entry<Recipient> {
  readonly change: Change;
  readonly recipients: readonly Recipient[];
  making: Promise<void> | null;
  offer: Offer | null;
}

/** Entries that are made at a time. */
const AHEAD = 8;
/** Recipients who are served before others in the process have their turn. */
const AT_A_TIME = 500;

/** @param onEmpty - Called when all that was added has come out; the lane is not to be used any more then. */
export function createBroadcastQueue<Recipient>(
  press: FrameEncoder<unknown>,
  { isReady, offer }: Recipients<Recipient>,
  onEmpty: () => void,
): BroadcastQueue<Recipient> {
  const entries: Entry<Recipient>[] = [];
  const delivered = createSignal();

  function makeAhead(): void {
    for (const entry of entries.slice(0, AHEAD)) entry.making ??= make(entry);
  }

  /** What goes wrong is found again, and told, by each recipient who makes it alone. */
  async function make(entry: Entry<Recipient>): Promise<void> {
    const { change, recipients } = entry;
    const wanted = recipients.some(isReady);
    const made = wanted ? await press.make(change).catch(() => undefined) : undefined;
    entry.offer = { change, made };
  }

  async function deliver(made: readonly Entry<Recipient>[]): Promise<void> {
    let served = 0;
    for (const [recipient, offers] of byRecipient(made)) {
      offer(recipient, offers);
      served += 1;
      if (served % AT_A_TIME === 0) await breathe();
    }
  }

  async function run(): Promise<void> {
    for (let first = entries[0]; first !== undefined; first = entries[0]) {
      await first.making;
      const unmade = entries.findIndex((entry) => entry.offer === null);
      const made = entries.slice(0, unmade < 0 ? entries.length : unmade);
      await deliver(made);
      entries.splice(0, made.length);
      makeAhead();
      delivered.notify();
    }
    onEmpty();
  }

  return {
    add(change, recipients) {
      entries.push({ change, recipients, making: null, offer: null });
      makeAhead();
      if (entries.length === 1) void run();
    },

    async until(count) {
      while (entries.length > count) await delivered.wait();
    },
  };
}

/** All that is due to one at once: to write twice costs twice. */
function byRecipient<Recipient>(
  entries: readonly Entry<Recipient>[],
): ReadonlyMap<Recipient, readonly Offer[]> {
  const due = new Map<Recipient, Offer[]>();
  for (const { recipients, offer } of entries) {
    if (offer === null) continue;
    for (const recipient of recipients) {
      const offers = due.get(recipient);
      if (offers === undefined) due.set(recipient, [offer]);
      else offers.push(offer);
    }
  }
  return due;
}
