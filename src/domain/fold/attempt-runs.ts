/** Attempts of one stream as an immutable linked list. A changed list shares its unchanged beginning with the original. */

import type { Rejection } from '../change';
import type { Reason } from '../event';
import type { Instant } from '../instant';
import { type AttemptStatus, isOpen, type Trust, type VerificationStatus } from '../status';
import { type Decisions, joinDecisions } from './decisions';

/** One run of one identity at one level. */
export interface Attempt {
  /** The provider's ID of the attempt. `null` if the provider sends none. */
  readonly attemptRef: string | null;
  readonly status: AttemptStatus;
  readonly providerStatus: string;
  /** `null` unless the status is REJECTED. */
  readonly rejection: Rejection | null;
  /** Reasons for a manual review. Empty unless the status is IN_REVIEW. */
  readonly reviewReasons: readonly Reason[];
  /** Trust of the event that set the status. */
  readonly trust: Trust;
  readonly sandbox: boolean;
  readonly startedAt: Instant;
  /** Time of the last change of the status or of its reasons. */
  readonly updatedAt: Instant;
  /** Time of the first decision with the current status. `null` while open. */
  readonly decidedAt: Instant | null;
}

/** An attempt with the times of all decisions that gave it its current status. */
export interface AttemptRun extends Attempt {
  /**
   * `null` if the attempt is open, or if a level change cancelled it: such a cancellation decides nothing about the level.
   */
  readonly decisions: Decisions | null;
}

/** A list of at least one attempt. */
export interface AttemptRuns {
  /** The latest attempt. */
  readonly run: AttemptRun;
  readonly previous: AttemptRuns | null;
  readonly length: number;
  readonly decided: DecidedState;
}

/** State of the level after all attempts of a list. */
export interface DecidedState {
  readonly status: VerificationStatus;
  readonly since: Instant;
  /** Decisions behind the status. `null` if the level was never decided. */
  readonly decisions: Decisions | null;
  /** The latest verdict, if it is a rejection after which the user may not try again. */
  readonly finalRejection: FinalRejection | null;
}

export interface FinalRejection {
  readonly at: Instant;
  readonly reasons: readonly Reason[];
}

export function append(previous: AttemptRuns | null, run: AttemptRun): AttemptRuns {
  const length = (previous?.length ?? 0) + 1;
  return { run, previous, length, decided: decide(previous, run) };
}

export function replaceLast({ previous }: AttemptRuns, run: AttemptRun): AttemptRuns {
  return append(previous, run);
}

/** Replaces the attempt at one position of the list. */
export function replaceAt(runs: AttemptRuns, position: AttemptRuns, run: AttemptRun): AttemptRuns {
  const later = listRuns(runs, position.length);
  return later.reduce(append, replaceLast(position, run));
}

/** Returns the position of the last attempt that meets the condition, or `null`. */
export function findLast(
  runs: AttemptRuns | null,
  condition: (run: AttemptRun) => boolean,
): AttemptRuns | null {
  let position = runs;
  while (position !== null && !condition(position.run)) position = position.previous;
  return position;
}

/** Returns the attempts after the first `skip`, oldest first. */
export function listRuns(runs: AttemptRuns | null, skip = 0): readonly AttemptRun[] {
  const list: AttemptRun[] = [];
  let position = runs;
  while (position !== null && position.length > skip) {
    list.push(position.run);
    position = position.previous;
  }
  return list.reverse();
}

/** Returns the number of leading attempts that the two lists share. */
export function getSharedLength(one: AttemptRuns | null, other: AttemptRuns | null): number {
  let [a, b] = [one, other];
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

function decide(previous: AttemptRuns | null, run: AttemptRun): DecidedState {
  const before: DecidedState = previous?.decided ?? {
    status: 'NOT_VERIFIED',
    since: run.startedAt,
    decisions: null,
    finalRejection: null,
  };
  const { decisions } = run;
  if (decisions === null || isOpen(run.status)) return before;
  const status = STATUS_BY_DECISION[run.status];
  const finalRejection = toFinalRejection(before, run, decisions);
  if (status !== before.status)
    return { status, since: decisions.first, decisions, finalRejection };
  const all = before.decisions === null ? decisions : joinDecisions(before.decisions, decisions);
  return { ...before, decisions: all, finalRejection };
}

/**
 * An approval of a later attempt clears a final rejection only while it counts. If a reset or the provider voids that
 * approval, its attempt becomes CANCELLED, and the rejection before it blocks again: a void approval proves nothing. A
 * rejection that the provider revised to an approval no longer exists, so it does not block again.
 */
function toFinalRejection(
  before: DecidedState,
  { status, rejection }: AttemptRun,
  { last }: Decisions,
): FinalRejection | null {
  if (status === 'APPROVED') return null;
  if (status !== 'REJECTED') return before.finalRejection;
  return rejection?.retryable === false ? { at: last, reasons: rejection.reasons } : null;
}
