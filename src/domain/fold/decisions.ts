/** The times at which a decision was taken and taken again, as far as the lifetime of an approval depends on them. */

import { type Instant, toDate } from '../instant';

/** Bounded in practice: regular repeats leave one gap, and only gaps that shrink each time leave one each. */
export interface Decisions {
  readonly first: Instant;
  readonly last: Instant;
  /** Gaps between successive decisions that exceed every later gap, oldest and longest first. */
  readonly gaps: readonly Gap[];
}

interface Gap {
  readonly ms: number;
  /** Time of the decision that ended it. */
  readonly end: Instant;
}

export function createDecisions(at: Instant): Decisions {
  return { first: at, last: at, gaps: [] };
}

/** All decisions of both. @param later - None of them before the last of `earlier`. */
export function joinDecisions(earlier: Decisions, later: Decisions): Decisions {
  const between = { ms: msOf(later.first) - msOf(earlier.last), end: later.first };
  const longest = later.gaps[0]?.ms ?? -1;
  const gaps = [...earlier.gaps.filter(({ ms }) => ms > between.ms), between];
  return {
    first: earlier.first,
    last: later.last,
    gaps: [...gaps.filter(({ ms }) => ms > longest), ...later.gaps],
  };
}

/** Time of the last decision that was taken when the one before it had expired; `undefined` if none was. */
export function findRenewal({ gaps }: Decisions, lifetimeMs: number): Instant | undefined {
  return gaps.findLast(({ ms }) => ms >= lifetimeMs)?.end;
}

function msOf(instant: Instant): number {
  return toDate(instant).getTime();
}
