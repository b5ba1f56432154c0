/** Folds what one identity's events say about one level into attempts. */

import type { ResetEvent, StatusEvent, UnverifiedEvent } from '../event';
import { type Instant, toDate } from '../instant';
import { ATTEMPT_STATUSES, type AttemptStatus, isOpen, type VerificationStatus } from '../status';
import {
  type Attempt,
  type AttemptRun,
  type AttemptRuns,
  append,
  findLast,
  replaceAt,
  replaceLast,
} from './attempt-runs';
import { createDecisions, type Decisions, joinDecisions } from './decisions';
import { getEffectiveDate, isUndatedResponse, type RecordedEvent } from './recorded-event';

/** What one stream of events adds up to. Immutable: the course after one event is the base of the course after the next. */
export interface AttemptHistory {
  readonly attempts: AttemptRuns | null;
  /** The vendor's own word on the lasting state, where it gives one, and when it came to it or approved anew. */
  readonly levelStatus: {
    readonly status: VerificationStatus;
    readonly decisions: Decisions;
  } | null;
  /** Whether the vendor has since moved the account to another level, or deleted it. */
  readonly superseded: boolean;
  /** When each word without a clock was last received. */
  readonly lastReceived: ReadonlyMap<string, Instant>;
}

export const EMPTY_HISTORY: AttemptHistory = {
  attempts: null,
  levelStatus: null,
  superseded: false,
  lastReceived: new Map(),
};

/** How long a vendor without a clock may still be repeating itself. P100 gives up after about two minutes. */
export const DUPLICATE_WINDOW_MS = 10 * 60_000;

type Entry<Event> = RecordedEvent & { readonly event: Event };

/** A course of its own, which the functions below change in place. */
type FoldState = { -readonly [Field in keyof AttemptHistory]: AttemptHistory[Field] };

/**
 * Vendors deliver late, twice and out of order, so the vendor's clock decides, not arrival: any permutation of the
 * same events, with any repeats, gives the same attempts, as long as the caller sorts them by `byOccurrence`.
 *
 * A new attempt opens when an open status follows a decision; a decision that follows a decision revises the same
 * attempt; events that bear the vendor's id of the attempt are one attempt.
 *
 * @param entry - Sorts after all events before it, which are of the same identity, level, environment and (where sent) attempt id;
 *   account events of the identity among them.
 */
export function continueHistory(before: AttemptHistory, entry: RecordedEvent): AttemptHistory {
  const course: FoldState = { ...before };
  const { event } = entry;
  if (event.type === 'STATUS') {
    if (!isLateRepeat(course, { ...entry, event })) applyStatus(course, { ...entry, event });
    if (event.occurredAt === undefined) {
      course.lastReceived = new Map(course.lastReceived).set(
        event.providerStatus,
        entry.receivedAt,
      );
    }
  } else if (event.type === 'RESET') {
    applyReset(course, { ...entry, event });
  } else if (event.type === 'WITHDRAWN') {
    applyLevelChange(course, entry, event.providerStatus);
  } else if (event.type === 'UNVERIFIED') {
    applyUnverified(course, { ...entry, event });
  } else if (event.type === 'ACCOUNT' && event.state === 'DELETED') {
    applyDeletion(course, entry);
  }
  return course;
}

/**
 * Without a clock, a step back to a word of the last minutes is the vendor's retry. A decision never is: SUCCESSFUL,
 * REJECTED, SUCCESSFUL may be a late retry of the first or a mind changed twice, and no decision may be dropped. Nor is
 * what we asked for.
 */
function isLateRepeat(
  { attempts, lastReceived: heard }: FoldState,
  entry: Entry<StatusEvent>,
): boolean {
  const { event } = entry;
  const current = attempts?.run;
  const before = heard.get(event.providerStatus);
  if (event.occurredAt !== undefined || isUndatedResponse(entry)) return false;
  if (current === undefined || before === undefined) return false;
  const apartMs = toDate(entry.receivedAt).getTime() - toDate(before).getTime();
  return apartMs <= DUPLICATE_WINDOW_MS && stepsBack(current.status, event);
}

function stepsBack(from: AttemptStatus, { status, levelStatus: standing }: StatusEvent): boolean {
  if (status === undefined) return standing === 'NOT_VERIFIED';
  if (!isOpen(status)) return false;
  return !isOpen(from) || ATTEMPT_STATUSES.indexOf(status) < ATTEMPT_STATUSES.indexOf(from);
}

function applyStatus(course: FoldState, entry: Entry<StatusEvent>): void {
  const { status, levelStatus: standing } = entry.event;
  const ended = standing !== undefined && applyStanding(course, entry, standing);
  if (status !== undefined) applyWord(course, entry, status, ended);
  else if (isUndatedResponse(entry)) confirm(course, standing);
  course.superseded = false;
}

/** The lasting state alone was asked for, and is what the latest attempt came to. */
function confirm(course: FoldState, standing: VerificationStatus | undefined): void {
  const { attempts } = course;
  if (attempts === null) return;
  const { run } = attempts;
  const agrees =
    (standing === 'VERIFIED' && run.status === 'APPROVED') ||
    (standing === 'EXPIRED' && run.status === 'EXPIRED');
  if (agrees) course.attempts = replaceLast(attempts, { ...run, trust: 'CONFIRMED' });
}

/**
 * The vendor's lasting word. Beside an attempt's status it only settles what became of an earlier approval; alone it
 * means that no attempt is being handled, so it also decides the current one.
 *
 * @returns Whether it decided an attempt.
 */
function applyStanding(
  course: FoldState,
  entry: Entry<StatusEvent>,
  standing: VerificationStatus,
): boolean {
  const held = course.levelStatus?.status;
  const at = getEffectiveDate(entry);
  if (course.levelStatus?.status !== standing) {
    course.levelStatus = { status: standing, decisions: createDecisions(at) };
  }
  // That it still stands is not a decision: only an approval prolongs what a policy lets run out.
  else if (
    standing === 'VERIFIED' &&
    entry.event.status === 'APPROVED' &&
    !isUndatedResponse(entry)
  ) {
    course.levelStatus = {
      status: standing,
      decisions: joinDecisions(course.levelStatus.decisions, createDecisions(at)),
    };
  }
  const word = impliedWord(standing, entry.event.status, course.attempts?.run, held);
  if (word !== undefined) applyWord(course, entry, word, false);
  return word !== undefined;
}

function impliedWord(
  standing: VerificationStatus,
  attemptStatus: AttemptStatus | undefined,
  current: Attempt | undefined,
  held: VerificationStatus | undefined,
): AttemptStatus | undefined {
  const alone = attemptStatus === undefined;
  switch (standing) {
    case 'VERIFIED':
      return alone && held !== 'VERIFIED' ? 'APPROVED' : undefined;
    case 'EXPIRED': {
      const ranOut = current?.status === 'APPROVED' && attemptStatus !== 'APPROVED';
      return ranOut || (alone && current === undefined) ? 'EXPIRED' : undefined;
    }
    case 'NOT_VERIFIED': {
      const voided = current?.status === 'APPROVED' && attemptStatus !== 'APPROVED';
      const ended = alone && current !== undefined && isOpen(current.status);
      // An approval that is rejected in the same breath is revised by that word, not cancelled first.
      return (voided && attemptStatus !== 'REJECTED') || ended ? 'CANCELLED' : undefined;
    }
  }
}

/** @param ended - The same event has just ended an attempt: an open word in it is about the next. */
function applyWord(
  course: FoldState,
  entry: Entry<StatusEvent>,
  status: AttemptStatus,
  ended: boolean,
): void {
  const { attempts } = course;
  const opens =
    attempts === null ||
    (entry.event.attemptRef === undefined &&
      ((ended && isOpen(status)) || startsAnew(attempts.run, status)));
  course.attempts = opens
    ? append(attempts, open(entry, status))
    : replaceLast(attempts, revise(attempts.run, entry, status));
}

/**
 * Whether the status belongs to the next attempt. A cancelled attempt stays cancelled. An open status of the instant of a
 * decision is sorted before it, so the decision ends the attempt that the open status began or continued.
 */
function startsAnew(current: Attempt, status: AttemptStatus): boolean {
  if (isOpen(current.status)) return false;
  return current.status === 'CANCELLED' ? status !== 'CANCELLED' : isOpen(status);
}

function applyReset(course: FoldState, entry: Entry<ResetEvent>): void {
  voidAll(course, entry, entry.event.providerStatus);
  course.attempts = append(course.attempts, open(entry, 'PENDING'));
  course.superseded = false;
}

function applyDeletion(course: FoldState, entry: RecordedEvent): void {
  if (course.attempts === null) return;
  voidAll(course, entry, 'deleted');
  course.superseded = true;
}

/** Cancels an open attempt. An approval was earned, so the level keeps it. */
function applyLevelChange(course: FoldState, entry: RecordedEvent, providerStatus: string): void {
  const { attempts } = course;
  if (attempts === null) return;
  if (isOpen(attempts.run.status)) {
    const ended = { ...cancelled(attempts.run, entry, providerStatus), decisions: null };
    course.attempts = replaceLast(attempts, ended);
  }
  course.superseded = true;
}

/** Voids the approval of the level; another attempt may be open since. */
function applyUnverified(course: FoldState, entry: Entry<UnverifiedEvent>): void {
  const { levelStatus: standing } = course;
  voidApproval(course, entry, entry.event.providerStatus);
  if (standing === null || standing.status === 'NOT_VERIFIED') return;
  course.levelStatus = {
    status: 'NOT_VERIFIED',
    decisions: createDecisions(getEffectiveDate(entry)),
  };
}

/** Cancels the open attempt and the approval of the level. A rejection or an expiry verifies nothing and stays as it is. */
function voidAll(course: FoldState, entry: RecordedEvent, providerStatus: string): void {
  voidApproval(course, entry, providerStatus);
  const { attempts } = course;
  if (attempts !== null && isOpen(attempts.run.status)) {
    course.attempts = replaceLast(attempts, cancelled(attempts.run, entry, providerStatus));
  }
  course.levelStatus = null;
}

function voidApproval(course: FoldState, entry: RecordedEvent, providerStatus: string): void {
  const { attempts } = course;
  const decisive = findLast(attempts, ({ decisions }) => decisions !== null);
  if (attempts === null || decisive?.run.status !== 'APPROVED') return;
  const { run } = decisive;
  course.attempts = replaceAt(attempts, decisive, cancelled(run, entry, providerStatus));
}

function cancelled(attempt: AttemptRun, entry: RecordedEvent, providerStatus: string): AttemptRun {
  const at = getEffectiveDate(entry);
  return {
    ...attempt,
    status: 'CANCELLED',
    providerStatus,
    rejection: null,
    reviewReasons: [],
    trust: entry.trust,
    updatedAt: at,
    decidedAt: at,
    decisions: createDecisions(at),
  };
}

function open(entry: Entry<StatusEvent | ResetEvent>, status: AttemptStatus): AttemptRun {
  const at = getEffectiveDate(entry);
  const { event } = entry;
  return {
    attemptRef: event.type === 'STATUS' ? (event.attemptRef ?? null) : null,
    sandbox: event.sandbox ?? false,
    startedAt: at,
    ...wordOf(entry, status, at),
    updatedAt: at,
    decisions: isOpen(status) ? null : createDecisions(at),
  };
}

function revise(held: AttemptRun, entry: Entry<StatusEvent>, status: AttemptStatus): AttemptRun {
  const at = getEffectiveDate(entry);
  const word = wordOf(entry, status, at);
  if (held.status !== status) {
    return {
      ...held,
      ...word,
      updatedAt: at,
      decisions: isOpen(status) ? null : createDecisions(at),
    };
  }
  // That an approval still stands does not prolong it, and an answer that gives no reasons takes none away.
  const answer = isUndatedResponse(entry);
  const repeated = !isOpen(status) && !answer;
  const current = repeated ? { ...held, decisions: again(held.decisions, at) } : held;
  const sameReasons =
    (answer && entry.event.reasons === undefined) ||
    JSON.stringify([current.rejection, current.reviewReasons]) ===
      JSON.stringify([word.rejection, word.reviewReasons]);
  if (!sameReasons) return { ...current, ...word, updatedAt: at, decidedAt: current.decidedAt };
  // What the vendor's API has confirmed stays so when a webhook says it again.
  const trust = [entry.trust, current.trust].includes('CONFIRMED') ? 'CONFIRMED' : word.trust;
  if (current.providerStatus !== word.providerStatus) {
    return { ...current, providerStatus: word.providerStatus, trust };
  }
  return trust === 'CONFIRMED' && current.trust !== trust ? { ...current, trust } : current;
}

function again(decisions: Decisions | null, at: Instant): Decisions {
  return decisions === null ? createDecisions(at) : joinDecisions(decisions, createDecisions(at));
}

function wordOf(
  { event, trust }: Entry<StatusEvent | ResetEvent>,
  status: AttemptStatus,
  at: Instant,
): Pick<
  Attempt,
  'status' | 'providerStatus' | 'rejection' | 'reviewReasons' | 'trust' | 'decidedAt'
> {
  const reasons = event.type === 'STATUS' ? (event.reasons ?? []) : [];
  const retryable = event.type === 'STATUS' ? (event.retryable ?? null) : null;
  return {
    status,
    providerStatus: event.providerStatus,
    rejection: status === 'REJECTED' ? { retryable, reasons } : null,
    reviewReasons: status === 'IN_REVIEW' ? reasons : [],
    trust,
    decidedAt: isOpen(status) ? null : at,
  };
}
