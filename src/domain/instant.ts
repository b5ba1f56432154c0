/** Timestamps as text, with more digits than `Date` holds. */

/**
 * UTC timestamp with nine fractional digits: `2023-03-16T09:42:18.833808600Z`. Each instant has exactly one spelling, so
 * comparing the texts compares the instants.
 */
export type Instant = string;

export function toInstantText(date: Date): Instant {
  return date.toISOString().replace('Z', '000000Z');
}

/** @param nanoseconds - Less than a millisecond. */
export function addNanoseconds(instant: Instant, nanoseconds: number): Instant {
  const sum = Number(instant.slice(20, 29)) + nanoseconds;
  const secondMs = new Date(`${instant.slice(0, 19)}Z`).getTime() + (sum < 1e9 ? 0 : 1000);
  const seconds = new Date(secondMs).toISOString().slice(0, 19);
  return `${seconds}.${String(sum % 1e9).padStart(9, '0')}Z`;
}

/** Rounds down to the millisecond. */
export function toDate(instant: Instant): Date {
  return new Date(`${instant.slice(0, 23)}Z`);
}
