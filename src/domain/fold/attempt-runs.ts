/** The attempts of one stream as an immutable list. A changed list shares all but its end with the one that it comes from. */

import type { Rejection } from '../change';
import type { Reason } from '../event';
import type { Instant } from '../instant';
import { type AttemptStatus, isOpen, type Trust, type VerificationStatus } from '../status';
import { type Decisions, joinDecisions } from './decisions';

/** One run of one user at one level. */
export interface Attempt {
  /** The vendor's id of the attempt, where it sends one. */
  readonly attemptRef: string | null;
  readonly status: AttemptStatus;
  readonly providerStatus: string;
  /** Only while REJECTED. */
  readonly rejection: Rejection | null;
  /** Why a person looks at it, while IN_REVIEW; else empty. */
  readonly reviewReasons: readonly Reason[];
  /** Of the event that gave it its status. */
  readonly trust: Trust;
  readonly sandbox: boolean;
  readonly startedAt: Instant;
  /** When its status, or the reasons for it, last changed. */
  readonly updatedAt: Instant;
  /** When it was first decided as it is now; `null` while open. */
  readonly decidedAt: Instant | null;
}

/**
 * An attempt with all the times at which it was decided as it is now; none while it is open, nor if a level change cancelled
 * it: that decides nothing about the level.
 */
export interface AttemptRun extends Attempt {
  readonly decisions: Decisions | null;
}

/** Its latest attempt, and those before it. */
export interface AttemptRuns {
  readonly run: AttemptRun;
  readonly previous: AttemptRuns | null;
  readonly length: number;
  readonly decided: DecidedState;
}

/** State of the level after an attempt. */
export interface DecidedState {
  readonly status: VerificationStatus;
  readonly since: Instant;
  /** The decision behind the status; `null` if there was none. */
  readonly decisions: Decisions | null;
  /** The latest verdict, if it is a rejection that the user may not answer with another try. */
  readonly finalRejection: FinalRejection | null;
}

export interface FinalRejection {
  readonly at: Instant;
  readonly reasons: readonly Reason[];
}

export function append(before: AttemptRuns | null, run: AttemptRun): AttemptRuns {
  return {
    run,
    previous: before,
    length: (before?.length ?? 0) + 1,
    decided: lastingAfter(before, run),
  };
}

export function replaceLast({ previous: before }: AttemptRuns, run: AttemptRun): AttemptRuns {
  return append(before, run);
}

/** Replaces the attempt at a place of the list. */
export function replaceAt(runs: AttemptRuns, place: AttemptRuns, run: AttemptRun): AttemptRuns {
  const later = listRuns(runs, place.length);
  return later.reduce(append, replaceLast(place, run));
}

/** @returns the place of the last attempt that fulfils the condition. */
export function findLast(
  runs: AttemptRuns | null,
  condition: (run: AttemptRun) => boolean,
): AttemptRuns | null {
  let place = runs;
  while (place !== null && !condition(place.run)) place = place.previous;
  return place;
}

/** Attempts beyond the first `from`, oldest first. */
export function listRuns(runs: AttemptRuns | null, from = 0): readonly AttemptRun[] {
  const list: AttemptRun[] = [];
  for (let place = runs; place !== null && place.length > from; place = place.previous) {
    list.push(place.run);
  }
  return list.reverse();
}

/** Number of attempts that both lists begin with. */
export function sharedLength(some: AttemptRuns | null, others: AttemptRuns | null): number {
  let [a, b] = [some, others];
  while (a !== b) {
    const [lengthOfA, lengthOfB] = [a?.length ?? 0, b?.length ?? 0];
    if (lengthOfA >= lengthOfB) a = a?.previous ?? null;
    if (lengthOfB >= lengthOfA) b = b?.previous ?? null;
  }
  return a?.length ?? 0;
}

const STATUS_BY_DECISION = {
  APPROVED: 'VERIFIED',
  EXPIRED: 'EXPIRED',
  REJECTED: 'NOT_VERIFIED',
  CANCELLED: 'NOT_VERIFIED',
} as const;

function lastingAfter(before: AttemptRuns | null, run: AttemptRun): DecidedState {
  const held: DecidedState = before?.decided ?? {
    status: 'NOT_VERIFIED',
    since: run.startedAt,
    decisions: null,
    finalRejection: null,
  };
  const { decisions } = run;
  if (decisions === null || isOpen(run.status)) return held;
  const status = STATUS_BY_DECISION[run.status];
  const finalRejection = finalRejectionAfter(held, run, decisions);
  if (status !== held.status) return { status, since: decisions.first, decisions, finalRejection };
  const all = held.decisions === null ? decisions : joinDecisions(held.decisions, decisions);
  return { ...held, decisions: all, finalRejection };
}

/**
 * An approval of a later attempt clears a final rejection only while it counts. If a reset or the provider voids that approval,
 * its attempt becomes CANCELLED, and the rejection before it blocks again: a void approval proves nothing. A rejection that the
 * provider revised to an approval no longer exists, so it does not block again.
 */
function finalRejectionAfter(
  held: DecidedState,
  { status, rejection }: AttemptRun,
  { last }: Decisions,
): FinalRejection | null {
  if (status === 'APPROVED') return null;
  if (status !== 'REJECTED') return held.finalRejection;
  return rejection?.retryable === false ? { at: last, reasons: rejection.reasons } : null;
}
