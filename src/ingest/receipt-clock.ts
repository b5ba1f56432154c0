/**
 * The clock by which deliveries are dated: one that stands still while the machine's is set back.
 *
 * Some vendors send no time. What they say is put in order by when it came, and a clock that runs backwards would put an
 * approval before the pending word that it followed.
 */

/** A clock that was ahead by more than this was wrong, and what is dated by it is not followed. */
const FOLLOWED_MS = 24 * 60 * 60_000;

export function createReceiptClock(clock: () => Date): () => Date {
  let latestMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock().getTime();
    if (nowMs > latestMs || latestMs - nowMs > FOLLOWED_MS) latestMs = nowMs;
    return new Date(latestMs);
  };
}
