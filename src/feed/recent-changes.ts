/** The newest entries of the log, kept in memory for those who resume a little behind. */

import type { Change } from '../domain/change';

export interface RecentChanges {
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

/** Weight of the entries that a window holds, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Holds at least the last `size` entries, and at most twice as many: trimming in bulk is cheaper than entry by entry. Entries
 * with long texts push out older ones earlier.
 *
 * @param head - Position where the log stands when the window opens.
 * @param maxBytes - Weight that it holds at most, in bytes, after each `append`.
 */
export function createRecentChanges(
  size: number,
  head: number,
  maxBytes = MAX_BYTES,
): RecentChanges {
  let entries: Change[] = [];
  let bytes = 0;
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
      bytes = 0;
    },

    append(changes) {
      const first = changes[0];
      if (first === undefined) return;
      if (first.seq !== headOf() + 1) {
        entries = [];
        bytes = 0;
        floor = first.seq - 1;
      }
      entries.push(...changes);
      for (const change of changes) bytes += sizeOf(change);
      if (entries.length <= 2 * size && bytes <= maxBytes) return;
      const last = headOf();
      entries = newest(entries, size, maxBytes / 2);
      bytes = entries.reduce((sum, change) => sum + sizeOf(change), 0);
      floor = (entries[0]?.seq ?? last + 1) - 1;
    },
  };
}

function newest(entries: readonly Change[], size: number, maxBytes: number): Change[] {
  let start = entries.length;
  let bytes = 0;
  for (const change of entries.slice(-size).reverse()) {
    bytes += sizeOf(change);
    if (bytes > maxBytes) break;
    start -= 1;
  }
  return entries.slice(start);
}

/** Weight of an entry without its texts, in bytes. */
const ENTRY_BYTES = 512;

function sizeOf({ rejection }: Change): number {
  const texts = (rejection?.reasons ?? []).map(
    ({ providerCode, message }) => (providerCode?.length ?? 0) + (message?.length ?? 0),
  );
  return texts.reduce((sum, length) => sum + 2 * length, ENTRY_BYTES);
}
