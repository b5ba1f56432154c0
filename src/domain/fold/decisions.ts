/** Times of the decisions behind a status, as far as the lifetime of an approval depends on them. */

import { type Instant, toDate } from '../instant';

/** Bounded in practice: decisions at regular intervals leave one gap. Only gaps that shrink each time leave one each. */
export interface Decisions {
  readonly first: Instant;
  readonly last: Instant;
  /** Gaps between successive decisions that exceed every later gap, oldest and longest first. */
  readonly gaps: readonly Gap[];
}

interface Gap {
  readonly ms: number;
  /** Time of the decision that ended the gap. */
  readonly end: Instant;
}

export function createDecisions(at: Instant): Decisions {
  return { first: at, last: at, gaps: [] };
}

/** Returns the decisions of both. @param later - Begins at or after the last decision of `earlier`. */
export function joinDecisions(earlier: Decisions, later: Decisions): Decisions {
  const between = { ms: toMs(later.first) - toMs(earlier.last), end: later.first };
  const longest = later.gaps[0]?.ms ?? -1;
  const gaps = [...earlier.gaps.filter(({ ms }) => ms > between.ms), between];
  return {
    first: earlier.first,
    last: later.last,
    gaps: [...gaps.filter(({ ms }) => ms > longest), ...later.gaps],
  };
}

/** Returns the time of the last decision that followed an expiry, or `undefined` if the approval never expired. */
export function findRenewal({ gaps }: Decisions, lifetimeMs: number): Instant | undefined {
  return gaps.findLast(({ ms }) => ms >= lifetimeMs)?.end;
}

function toMs(instant: Instant): number {
  return toDate(instant).getTime();
}
