/** The newest entries of the log, kept in memory for those who resume a little behind. */

import type { Change } from '../domain/change';

export interface Window {
  /** Position of the newest entry seen. */
  readonly head: number;
  /** Whether every entry after `seq` is here. */
  reachesBackTo(seq: number): boolean;
  /** The entries after `seq`, oldest first. Only where the window reaches back to it. */
  after(seq: number): readonly Change[];
  /** Adds what follows the head. Entries that do not join it push out all that is held. */
  append(changes: readonly Change[]): void;
  /** Lets go of all that is held. The head stays. */
  clear(): void;
}

/**
 * Holds at least the last `size` entries, and at most twice as many: trimming in bulk is cheaper than entry by entry.
 *
 * @param head - Position where the log stands when the window opens.
 */
export function createWindow(size: number, head: number): Window {
  let entries: Change[] = [];
  let floor = head; // the position before the oldest entry held

  const headOf = () => entries.at(-1)?.seq ?? floor;

  return {
    get head() {
      return headOf();
    },

    reachesBackTo: (seq) => seq >= floor,

    after: (seq) => entries.slice(Math.max(0, seq - floor)),

    clear() {
      floor = headOf();
      entries = [];
    },

    append(changes) {
      const first = changes[0];
      if (first === undefined) return;
      if (first.seq !== headOf() + 1) {
        entries = [];
        floor = first.seq - 1;
      }
      entries.push(...changes);
      if (entries.length <= 2 * size) return;
      entries = entries.slice(-size);
      floor = (entries[0]?.seq ?? floor + 1) - 1;
    },
  };
}
