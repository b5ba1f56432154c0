/** A moment as text, finer than `Date` can hold. */

/**
 * UTC with nine fractional digits, `2023-03-16T09:42:18.833808600Z`: every instant has exactly one spelling, so that
 * comparing the text compares the moments.
 */
export type Instant = string;

export function toInstantText(date: Date): Instant {
  return date.toISOString().replace('Z', '000000Z');
}

/** @param nanoseconds - Less than a millisecond. */
export function latest(instant: Instant, nanoseconds: number): Instant {
  const beyond = Number(instant.slice(20, 29)) + nanoseconds;
  const second = new Date(`${instant.slice(0, 19)}Z`).getTime() + (beyond < 1e9 ? 0 : 1000);
  const whole = new Date(second).toISOString().slice(0, 19);
  return `${whole}.${String(beyond % 1e9).padStart(9, '0')}Z`;
}

/** Rounds down to the millisecond. */
export function toDate(instant: Instant): Date {
  return new Date(`${instant.slice(0, 23)}Z`);
}
