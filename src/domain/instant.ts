/** A moment as text, finer than `Date` can hold. */

/**
 * UTC with nine fractional digits, `2023-03-16T09:42:18.833808600Z`: every instant has exactly one spelling, so that
 * comparing the text compares the moments.
 */
export type Instant = string;

export function instantOf(date: Date): Instant {
  return date.toISOString().replace('Z', '000000Z');
}

/** Rounds down to the millisecond. */
export function toDate(instant: Instant): Date {
  return new Date(`${instant.slice(0, 23)}Z`);
}
