/** Rules for missing events: stalled attempts and silent providers. */

import type { OpenStatus } from './status';

export interface MonitoringRules {
  /** Time after which an attempt counts as stalled, in milliseconds, by status. */
  readonly stalledAfterMs: Readonly<Record<OpenStatus, number>>;
  readonly silence: SilenceRule;
}

export interface SilenceRule {
  /** Minimum duration of a silence, in milliseconds. */
  readonly afterMs: number;
  /** Number of deliveries that usually arrive in the time of the silence. A provider with fewer is not silent. */
  readonly floor: number;
}

export interface Span {
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
}

/** Earlier spans that a silence is compared with, as far back as deliveries are known. */
export interface Baseline {
  readonly days: readonly Span[];
  readonly weeks: readonly Span[];
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

export const DEFAULT_MONITORING_RULES: MonitoringRules = {
  stalledAfterMs: {
    PENDING: 30 * DAY_MS,
    IN_PROGRESS: DAY_MS,
    ACTION_REQUIRED: 14 * DAY_MS,
    IN_REVIEW: 3 * DAY_MS,
  },
  silence: { afterMs: HOUR_MS / 2, floor: 10 },
};

/** Number of days and weeks in a baseline. */
const DAYS = 7;
const WEEKS = 4;

/**
 * Returns the spans at the same time of earlier days and of earlier weeks, because nights and weekends are quiet without a
 * fault. Each span is as long as the time since the last delivery, at most one day.
 *
 * @param first - Time of the provider's first delivery. Earlier spans are left out.
 * @returns `null` if the time since the last delivery is shorter than `afterMs`.
 */
export function toBaseline(
  { first, last }: { readonly first: Date; readonly last: Date },
  now: Date,
  { afterMs }: SilenceRule,
): Baseline | null {
  const silenceMs = now.getTime() - last.getTime();
  if (silenceMs < afterMs) return null;
  const lengthMs = Math.min(silenceMs, DAY_MS);

  function earlier(count: number, stepMs: number): readonly Span[] {
    const starts = Array.from({ length: count }, (_, n) => last.getTime() - (n + 1) * stepMs);
    const known = starts.filter((start) => start >= first.getTime());
    return known.map((start) => ({ from: new Date(start), to: new Date(start + lengthMs) }));
  }

  return { days: earlier(DAYS, DAY_MS), weeks: earlier(WEEKS, WEEK_MS) };
}

/**
 * Whether the medians of the days and of the weeks both reach the floor. Without an earlier day, a provider is never silent.
 * Without an earlier week, the days decide.
 *
 * @param counts - Number of deliveries in each span of the baseline. Counting may stop at the floor.
 */
export function isSilent(
  counts: { readonly days: readonly number[]; readonly weeks: readonly number[] },
  { floor }: SilenceRule,
): boolean {
  const isBusy = (spans: readonly number[]) =>
    spans.filter((count) => count >= floor).length * 2 > spans.length;
  return isBusy(counts.days) && (counts.weeks.length === 0 || isBusy(counts.weeks));
}
