/** Parsers that several variables share. The message of a parser completes "must be …". */

import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';

// ── Words and numbers ───────────────────────────────────────────────────────────────────────────────────────────────

export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, { error: `one of ${words.join(', ')}` });
}

export const BOOLEAN = oneOf('true', 'false').transform((word) => word === 'true');

export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error: expected, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

// ── Durations ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** 1,000 years. A longer duration is probably a typing error, and its dates exceed the range of `Date`. */
const MAX_MS = 1000 * 365 * DAY_MS;

/**
 * Converts an ISO 8601 duration, for example `P90D` or `P1Y6M`, to milliseconds. A year is 365 days, a month 30, a week 7 and
 * a day 24 hours, so that a policy does not depend on the calendar.
 *
 * @returns `undefined` unless `text` is a duration above zero and at most 1,000 years.
 */
export function parseDurationMs(text: string): number | undefined {
  const duration = parseDuration(text);
  if (duration === undefined) return undefined;
  const { years, months, weeks, days, hours, minutes, seconds, milliseconds } = duration;
  const wholeDays = years * 365 + months * 30 + weeks * 7 + days;
  const rest = Temporal.Duration.from({ hours, minutes, seconds, milliseconds });
  const ms = wholeDays * DAY_MS + rest.total('milliseconds');
  return ms > 0 && ms <= MAX_MS ? ms : undefined;
}

/** Parses an ISO 8601 duration to milliseconds. @param expected - Completes "must be …". */
export function durationMs(expected: string, minMs = 0, maxMs = MAX_MS) {
  return z.string().transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue(expected);
    return z.NEVER;
  });
}

function parseDuration(text: string): Temporal.Duration | undefined {
  try {
    return Temporal.Duration.from(text);
  } catch {
    return undefined;
  }
}

// ── JSON and URLs ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Parses JSON. Returns `undefined` if `text` is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether `host` is this machine. Accepts an IPv6 address with or without brackets. */
export function isLoopback(host: string): boolean {
  return /^(localhost|\[::1\]|::1|127(\.\d{1,3}){3})$/.test(host);
}

/** Whether requests to this URL are encrypted or stay on this machine. */
export function isConfidential({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
