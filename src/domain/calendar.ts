/** Terms as laws set them: by the calendar, in UTC. */

import { Temporal } from 'temporal-polyfill';

/** @param duration - ISO 8601, e.g. `P5Y`. @returns the same day of the month, five years on, or the last one before it. */
export function addToDate(from: Date, duration: string): Date {
  const start = Temporal.Instant.fromEpochMilliseconds(from.getTime()).toZonedDateTimeISO('UTC');
  return new Date(start.add(duration).epochMilliseconds);
}
