/** Folds what one identity's events say about one level into attempts. */

import type { Rejection } from './change';
import type { Reason, ResetEvent, StatusEvent, UnverifiedEvent } from './event';
import { type Instant, toDate } from './instant';
import { dateOf, isUndatedAnswer, type RecordedEvent } from './recorded-event';
import {
  ATTEMPT_STATUSES,
  type AttemptStatus,
  isOpen,
  type Trust,
  type VerificationStatus,
} from './status';

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
export interface Run extends Attempt {
  readonly decisions: readonly Instant[];
}

/** What one stream of events adds up to. */
export interface Course {
  /** Oldest first. */
  readonly attempts: readonly Run[];
  /** The vendor's own word on the lasting state, where it gives one, and when it came to it or approved anew. */
  readonly standing: {
    readonly status: VerificationStatus;
    readonly decisions: readonly Instant[];
  } | null;
  /** Whether the vendor has since moved the account to another level, or deleted it. */
  readonly superseded: boolean;
}

/** How long a vendor without a clock may still be repeating itself. P100 gives up after about two minutes. */
export const REPEAT_WINDOW_MS = 10 * 60_000;

type Entry<Event> = RecordedEvent & { readonly event: Event };

/** A course while it is told. It belongs to one fold, which changes it in place: copies would cost the square of the events. */
interface Telling {
  readonly attempts: OwnRun[];
  standing: { readonly status: VerificationStatus; readonly decisions: Instant[] } | null;
  superseded: boolean;
  /** When each word without a clock was last received. */
  readonly heard: Map<string, Instant>;
}

interface OwnRun extends Attempt {
  readonly decisions: Instant[];
}

/**
 * Vendors deliver late, twice and out of order, so the vendor's clock decides, not arrival: any permutation of the
 * same events, with any repeats, gives the same attempts, as long as the caller sorts them by `byOccurrence`.
 *
 * A new attempt opens when an open status follows a decision; a decision that follows a decision revises the same
 * attempt; events that bear the vendor's id of the attempt are one attempt.
 *
 * @param events - Of one identity, one level, one environment and (where sent) one attempt id, sorted; account events
 *   of the identity among them.
 */
export function foldCourse(events: Iterable<RecordedEvent>): Course {
  const course: Telling = { attempts: [], standing: null, superseded: false, heard: new Map() };
  for (const entry of events) {
    const { event } = entry;
    if (event.type === 'STATUS') {
      if (!isLateRepeat(course, { ...entry, event })) applyStatus(course, { ...entry, event });
      if (event.occurredAt === undefined) course.heard.set(event.providerStatus, entry.receivedAt);
    } else if (event.type === 'RESET') {
      applyReset(course, { ...entry, event });
    } else if (event.type === 'WITHDRAWN') {
      applyLevelChange(course, entry, event.providerStatus);
    } else if (event.type === 'UNVERIFIED') {
      applyUnverified(course, { ...entry, event });
    } else if (event.type === 'ACCOUNT' && event.state === 'DELETED') {
      applyDeletion(course, entry);
    }
  }
  const { heard: _, ...told } = course;
  return told;
}

/**
 * Without a clock, a step back to a word of the last minutes is the vendor's retry. A decision never is: SUCCESSFUL,
 * REJECTED, SUCCESSFUL may be a late retry of the first or a mind changed twice, and no decision may be dropped. Nor is
 * what we asked for.
 */
function isLateRepeat({ attempts, heard }: Telling, entry: Entry<StatusEvent>): boolean {
  const { event } = entry;
  const current = attempts.at(-1);
  const before = heard.get(event.providerStatus);
  if (event.occurredAt !== undefined || isUndatedAnswer(entry)) return false;
  if (current === undefined || before === undefined) return false;
  const apartMs = toDate(entry.receivedAt).getTime() - toDate(before).getTime();
  return apartMs <= REPEAT_WINDOW_MS && stepsBack(current.status, event);
}

function stepsBack(from: AttemptStatus, { status, standing }: StatusEvent): boolean {
  if (status === undefined) return standing === 'NOT_VERIFIED';
  if (!isOpen(status)) return false;
  return !isOpen(from) || ATTEMPT_STATUSES.indexOf(status) < ATTEMPT_STATUSES.indexOf(from);
}

function applyStatus(course: Telling, entry: Entry<StatusEvent>): void {
  const { status, standing } = entry.event;
  const ended = standing !== undefined && applyStanding(course, entry, standing);
  if (status !== undefined) applyWord(course, entry, status, ended);
  else if (isUndatedAnswer(entry)) confirm(course, standing);
  course.superseded = false;
}

/** The lasting state alone was asked for, and is what the latest attempt came to. */
function confirm({ attempts }: Telling, standing: VerificationStatus | undefined): void {
  const current = attempts.at(-1);
  const agrees =
    (standing === 'VERIFIED' && current?.status === 'APPROVED') ||
    (standing === 'EXPIRED' && current?.status === 'EXPIRED');
  if (agrees) attempts[attempts.length - 1] = { ...current, trust: 'CONFIRMED' };
}

/**
 * The vendor's lasting word. Beside an attempt's status it only settles what became of an earlier approval; alone it
 * means that no attempt is being handled, so it also decides the current one.
 *
 * @returns Whether it decided an attempt.
 */
function applyStanding(
  course: Telling,
  entry: Entry<StatusEvent>,
  standing: VerificationStatus,
): boolean {
  const held = course.standing?.status;
  const at = dateOf(entry);
  if (course.standing?.status !== standing) course.standing = { status: standing, decisions: [at] };
  // That it still stands is not a decision: only an approval prolongs what a policy lets run out.
  else if (
    standing === 'VERIFIED' &&
    entry.event.status === 'APPROVED' &&
    !isUndatedAnswer(entry)
  ) {
    course.standing.decisions.push(at);
  }
  const word = impliedWord(standing, entry.event.status, course.attempts.at(-1), held);
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
  { attempts }: Telling,
  entry: Entry<StatusEvent>,
  status: AttemptStatus,
  ended: boolean,
): void {
  const current = attempts.at(-1);
  const opens =
    current === undefined ||
    (entry.event.attemptRef === undefined &&
      ((ended && isOpen(status)) || startsAnew(current, status)));
  if (opens) attempts.push(open(entry, status));
  else attempts[attempts.length - 1] = revise(current, entry, status);
}

/**
 * Whether the status belongs to the next attempt. A cancelled attempt stays cancelled. An open status of the instant of a
 * decision is sorted before it, so the decision ends the attempt that the open status began or continued.
 */
function startsAnew(current: Attempt, status: AttemptStatus): boolean {
  if (isOpen(current.status)) return false;
  return current.status === 'CANCELLED' ? status !== 'CANCELLED' : isOpen(status);
}

function applyReset(course: Telling, entry: Entry<ResetEvent>): void {
  voidAll(course, entry, entry.event.providerStatus);
  course.attempts.push(open(entry, 'PENDING'));
  course.superseded = false;
}

function applyDeletion(course: Telling, entry: RecordedEvent): void {
  if (course.attempts.length === 0) return;
  voidAll(course, entry, 'deleted');
  course.superseded = true;
}

/** Cancels an open attempt. An approval was earned, so the level keeps it. */
function applyLevelChange(course: Telling, entry: RecordedEvent, providerStatus: string): void {
  const current = course.attempts.at(-1);
  if (current === undefined) return;
  if (isOpen(current.status)) {
    course.attempts[course.attempts.length - 1] = {
      ...cancelled(current, entry, providerStatus),
      decisions: [],
    };
  }
  course.superseded = true;
}

/** Voids the approval of the level; another attempt may be open since. */
function applyUnverified(course: Telling, entry: Entry<UnverifiedEvent>): void {
  const { standing } = course;
  voidApproval(course, entry, entry.event.providerStatus);
  if (standing === null || standing.status === 'NOT_VERIFIED') return;
  course.standing = { status: 'NOT_VERIFIED', decisions: [dateOf(entry)] };
}

/** Cancels the open attempt and the approval of the level. A rejection or an expiry verifies nothing and stays as it is. */
function voidAll(course: Telling, entry: RecordedEvent, providerStatus: string): void {
  const { attempts } = course;
  voidApproval(course, entry, providerStatus);
  const current = attempts.at(-1);
  if (current !== undefined && isOpen(current.status)) {
    attempts[attempts.length - 1] = cancelled(current, entry, providerStatus);
  }
  course.standing = null;
}

function voidApproval({ attempts }: Telling, entry: RecordedEvent, providerStatus: string): void {
  const decisive = attempts.findLastIndex(({ decisions }) => decisions.length > 0);
  const held = attempts[decisive];
  if (held?.status === 'APPROVED') attempts[decisive] = cancelled(held, entry, providerStatus);
}

function cancelled(attempt: OwnRun, entry: RecordedEvent, providerStatus: string): OwnRun {
  const at = dateOf(entry);
  return {
    ...attempt,
    status: 'CANCELLED',
    providerStatus,
    rejection: null,
    reviewReasons: [],
    trust: entry.trust,
    updatedAt: at,
    decidedAt: at,
    decisions: [at],
  };
}

function open(entry: Entry<StatusEvent | ResetEvent>, status: AttemptStatus): OwnRun {
  const at = dateOf(entry);
  const { event } = entry;
  return {
    attemptRef: event.type === 'STATUS' ? (event.attemptRef ?? null) : null,
    sandbox: event.sandbox ?? false,
    startedAt: at,
    ...wordOf(entry, status, at),
    updatedAt: at,
    decisions: isOpen(status) ? [] : [at],
  };
}

function revise(current: OwnRun, entry: Entry<StatusEvent>, status: AttemptStatus): OwnRun {
  const at = dateOf(entry);
  const word = wordOf(entry, status, at);
  if (current.status !== status) {
    return { ...current, ...word, updatedAt: at, decisions: isOpen(status) ? [] : [at] };
  }
  // That an approval still stands does not prolong it, and an answer that gives no reasons takes none away.
  const answer = isUndatedAnswer(entry);
  if (!isOpen(status) && !answer) current.decisions.push(at);
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
