/** The newest entries of the log in memory, for subscribers that resume a little behind the head. */

import type { Change } from '../domain/change';

export interface RecentChanges {
  /** Position of the newest entry seen. */
  readonly head: number;
  /** Whether it contains every entry after `seq`. */
  reachesBackTo(seq: number): boolean;
  /** Returns the entries after `seq`, oldest first. Call it only if `reachesBackTo(seq)`. */
  after(seq: number): readonly Change[];
  /** Adds entries. If they do not follow the head without a gap, removes all earlier entries. */
  append(changes: readonly Change[]): void;
  /** Removes all entries. Keeps the head. */
  clear(): void;
}

/** Default limit for the size of the entries, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Contains at least the last `size` entries and at most twice as many, because trimming in bulk is cheaper than entry by entry.
 * Contains fewer entries if their texts are long.
 *
 * @param head - Current head of the log.
 * @param maxBytes - Maximum estimated size of the entries after each `append`, in bytes.
 */
export function createRecentChanges(
  size: number,
  head: number,
  maxBytes = MAX_BYTES,
): RecentChanges {
  let entries: Change[] = [];
  let bytes = 0;
  let floor = head; // position before the oldest entry

  const getHead = () => entries.at(-1)?.seq ?? floor;

  return {
    get head() {
      return getHead();
    },

    reachesBackTo: (seq) => seq >= floor,

    after: (seq) => entries.slice(Math.max(0, seq - floor)),

    clear() {
      floor = getHead();
      entries = [];
      bytes = 0;
    },

    append(changes) {
      const first = changes[0];
      if (first === undefined) return;
      if (first.seq !== getHead() + 1) {
        entries = [];
        bytes = 0;
        floor = first.seq - 1;
      }
      entries.push(...changes);
      for (const change of changes) bytes += getSize(change);
      if (entries.length <= 2 * size && bytes <= maxBytes) return;
      const last = getHead();
      entries = takeNewest(entries, size, maxBytes / 2);
      bytes = entries.reduce((sum, change) => sum + getSize(change), 0);
      floor = (entries[0]?.seq ?? last + 1) - 1;
    },
  };
}

function takeNewest(entries: readonly Change[], size: number, maxBytes: number): Change[] {
  let start = entries.length;
  let bytes = 0;
  for (const change of entries.slice(-size).reverse()) {
    bytes += getSize(change);
    if (bytes > maxBytes) break;
    start -= 1;
  }
  return entries.slice(start);
}

/** Estimated size of an entry without its texts, in bytes. */
const ENTRY_BYTES = 512;

function getSize({ rejection }: Change): number {
  const texts = (rejection?.reasons ?? []).map(
    ({ providerCode, message }) => (providerCode?.length ?? 0) + (message?.length ?? 0),
  );
  return texts.reduce((sum, length) => sum + 2 * length, ENTRY_BYTES);
}
