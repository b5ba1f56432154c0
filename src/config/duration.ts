/** ISO 8601 durations as lengths of time. */

import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';

const DAY_MS = 24 * 60 * 60_000;

/** 1,000 years: past that a typing error is likelier than an intention, and dates leave what `Date` can hold. */
const MAX_MS = 1000 * 365 * DAY_MS;

/**
 * Milliseconds of e.g. `P90D` or `P1Y6M`; `undefined` unless `text` is a duration above zero. A policy must not depend on
 * where in the calendar an approval falls, so a year is 365 days, a month 30, a week 7 and a day 24 hours.
 */
export function parseDurationMs(text: string): number | undefined {
  const duration = parse(text);
  if (duration === undefined) return undefined;
  const { years, months, weeks, days, hours, minutes, seconds, milliseconds } = duration;
  const wholeDays = years * 365 + months * 30 + weeks * 7 + days;
  const rest = Temporal.Duration.from({ hours, minutes, seconds, milliseconds });
  const ms = wholeDays * DAY_MS + rest.total('milliseconds');
  return ms > 0 && ms <= MAX_MS ? ms : undefined;
}

/** A variable that holds one, as milliseconds. @param expected - Completes "expected …". */
export function durationMs(expected: string, minMs = 0, maxMs = MAX_MS) {
  return z.string().transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue(expected);
    return z.NEVER;
  });
}

function parse(text: string): Temporal.Duration | undefined {
  try {
    return Temporal.Duration.from(text);
  } catch {
    return undefined;
  }
}
