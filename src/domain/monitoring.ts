/** When to say that something which should have happened has not: attempts that stand still, vendors that say nothing. */

import type { OpenStatus } from './status';

export interface MonitoringRules {
  /** How long an attempt may stay in a status before it counts as stalled, in milliseconds. */
  readonly stalledAfterMs: Readonly<Record<OpenStatus, number>>;
  readonly silence: SilenceRule;
}

export interface SilenceRule {
  /** Nobody is called silent sooner. In milliseconds. */
  readonly afterMs: number;
  /** Deliveries that usually come in the time that nothing has come; with fewer, a vendor is not called silent. */
  readonly floor: number;
}

export interface Span {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
}

/** The stretches of time that a silence is held against, as far back as anything is known. */
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

/** Of each kind, how many are looked at. */
const DAYS = 7;
const WEEKS = 4;

/**
 * The time since the last delivery, its first day at most, moved back to the same time of earlier days, and to the same
 * time of earlier weeks: nights and weekends are quiet without anything being wrong.
 *
 * @param first - When the vendor was heard for the first time: nothing is known from before.
 * @returns `null` where nothing has been heard for too short a time to speak of silence.
 */
export function toBaseline(
  { first, last }: { readonly first: Date; readonly last: Date },
  now: Date,
  { afterMs }: SilenceRule,
): Baseline | null {
  const quietMs = now.getTime() - last.getTime();
  if (quietMs < afterMs) return null;
  const lengthMs = Math.min(quietMs, DAY_MS);

  function earlier(count: number, stepMs: number): readonly Span[] {
    const starts = Array.from({ length: count }, (_, n) => last.getTime() - (n + 1) * stepMs);
    const known = starts.filter((start) => start >= first.getTime());
    return known.map((start) => ({ from: new Date(start), to: new Date(start + lengthMs) }));
  }

  return { days: earlier(DAYS, DAY_MS), weeks: earlier(WEEKS, WEEK_MS) };
}

/**
 * Whether the medians of the days and of the weeks both reach the floor. Without an earlier day there is nothing to hold
 * the silence against; without an earlier week the days decide.
 *
 * @param counts - Deliveries in each span of the baseline; none need be higher than the floor.
 */
export function isSilent(
  counts: { readonly days: readonly number[]; readonly weeks: readonly number[] },
  { floor }: SilenceRule,
): boolean {
  const busy = (spans: readonly number[]) =>
    spans.filter((count) => count >= floor).length * 2 > spans.length;
  return busy(counts.days) && (counts.weeks.length === 0 || busy(counts.weeks));
}
