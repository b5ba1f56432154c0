/** Folds the events of one identity at one level into attempts. */

import type { ResetEvent, StatusEvent, UnverifiedEvent } from '../event';
import { type Instant, toDate } from '../instant';
import { ATTEMPT_STATUSES, type AttemptStatus, isOpen, type VerificationStatus } from '../status';
import {
  type Attempt,
  type AttemptRuns,
  append,
  findLast,
  replaceAt,
  replaceLast,
} from './attempt-runs';
import { cancelAttempt, type Entry, startAttempt, updateAttempt } from './attempt-transitions';
import { createDecisions, type Decisions, joinDecisions } from './decisions';
import { getEffectiveDate, isUndatedResponse, type RecordedEvent } from './recorded-event';

/** Result of folding one stream of events. Immutable: each history is the base of the next one. */
export interface AttemptHistory {
  readonly attempts: AttemptRuns | null;
  /** The level status that the provider sent, with the times at which it was decided. `null` if the provider sends none. */
  readonly levelStatus: {
    readonly status: VerificationStatus;
    readonly decisions: Decisions;
  } | null;
  /** Whether the provider has since moved the account to another level or deleted it. */
  readonly superseded: boolean;
  /** Time of the last receipt of each provider status without a provider timestamp. */
  readonly lastReceived: ReadonlyMap<string, Instant>;
}

export const EMPTY_HISTORY: AttemptHistory = {
  attempts: null,
  levelStatus: null,
  superseded: false,
  lastReceived: new Map(),
};

/**
 * Maximum time between an event without a provider timestamp and its duplicate. P100 stops sending duplicates after about
 * two minutes.
 */
export const DUPLICATE_WINDOW_MS = 10 * 60_000;

/** A copy of a history. The functions below modify it in place. */
type FoldState = { -readonly [Field in keyof AttemptHistory]: AttemptHistory[Field] };

/**
 * Adds one event to a history. The caller passes events in the order of `byOccurrence`. Any permutation of the same events,
 * with any duplicates, then yields the same attempts: providers deliver late, twice and out of order.
 *
 * An open status after a decision starts a new attempt. A decision after a decision revises the attempt. Events with the
 * same provider attempt ID belong to one attempt.
 *
 * @param entry - Sorts after all earlier events of the stream: those of the same identity, level, environment and (if sent)
 *   attempt ID, including the account events of the identity.
 */
export function continueHistory(before: AttemptHistory, entry: RecordedEvent): AttemptHistory {
  const state: FoldState = { ...before };
  const { event } = entry;
  if (event.type === 'STATUS') {
    if (!isLateRetry(state, { ...entry, event })) applyStatus(state, { ...entry, event });
    if (event.occurredAt === undefined) {
      const { lastReceived } = state;
      state.lastReceived = new Map(lastReceived).set(event.providerStatus, entry.receivedAt);
    }
  } else if (event.type === 'RESET') {
    applyReset(state, { ...entry, event });
  } else if (event.type === 'WITHDRAWN') {
    applyLevelChange(state, entry, event.providerStatus);
  } else if (event.type === 'UNVERIFIED') {
    applyUnverified(state, { ...entry, event });
  } else if (event.type === 'ACCOUNT' && event.state === 'DELETED') {
    applyDeletion(state, entry);
  }
  return state;
}

/**
 * Whether an event without a provider timestamp is a late retry: a step back to a status received within the last ten
 * minutes. A decision never counts as a retry. SUCCESSFUL, REJECTED, SUCCESSFUL may be a late retry of the first event or a
 * decision revised twice, and no decision may be lost. A status response is never a retry either.
 */
function isLateRetry({ attempts, lastReceived }: FoldState, entry: Entry<StatusEvent>): boolean {
  const { event } = entry;
  const current = attempts?.run;
  const last = lastReceived.get(event.providerStatus);
  if (event.occurredAt !== undefined || isUndatedResponse(entry)) return false;
  if (current === undefined || last === undefined) return false;
  const apartMs = toDate(entry.receivedAt).getTime() - toDate(last).getTime();
  return apartMs <= DUPLICATE_WINDOW_MS && isStepBack(current.status, event);
}

function isStepBack(from: AttemptStatus, { status, levelStatus }: StatusEvent): boolean {
  if (status === undefined) return levelStatus === 'NOT_VERIFIED';
  if (!isOpen(status)) return false;
  return !isOpen(from) || ATTEMPT_STATUSES.indexOf(status) < ATTEMPT_STATUSES.indexOf(from);
}

// ── Status events ───────────────────────────────────────────────────────────────────────────────────────────────────

function applyStatus(state: FoldState, entry: Entry<StatusEvent>): void {
  const { status, levelStatus } = entry.event;
  const hasDecided = levelStatus !== undefined && applyLevelStatus(state, entry, levelStatus);
  if (status !== undefined) applyAttemptStatus(state, entry, status, hasDecided);
  else if (isUndatedResponse(entry)) confirmAttempt(state, levelStatus);
  state.superseded = false;
}

/** Confirms the latest attempt if its decision matches a response that contains only the level status. */
function confirmAttempt(state: FoldState, levelStatus: VerificationStatus | undefined): void {
  const { attempts } = state;
  if (attempts === null) return;
  const { run } = attempts;
  const matches =
    (levelStatus === 'VERIFIED' && run.status === 'APPROVED') ||
    (levelStatus === 'EXPIRED' && run.status === 'EXPIRED');
  if (matches) state.attempts = replaceLast(attempts, { ...run, trust: 'CONFIRMED' });
}

/**
 * Applies the level status that the provider sent. With an attempt status, it only ends an earlier approval. Without one, no
 * attempt is in progress, so it also decides the current attempt.
 *
 * @returns Whether it decided an attempt.
 */
function applyLevelStatus(
  state: FoldState,
  entry: Entry<StatusEvent>,
  levelStatus: VerificationStatus,
): boolean {
  const before = state.levelStatus;
  const { status } = entry.event;
  const decisions = createDecisions(getEffectiveDate(entry));
  if (before?.status !== levelStatus) {
    state.levelStatus = { status: levelStatus, decisions };
  }
  // A repeated level status is not a decision. Only a new approval extends the lifetime that a policy sets.
  else if (levelStatus === 'VERIFIED' && status === 'APPROVED' && !isUndatedResponse(entry)) {
    state.levelStatus = {
      status: levelStatus,
      decisions: joinDecisions(before.decisions, decisions),
    };
  }
  const decision = toImpliedDecision(levelStatus, status, state.attempts?.run, before?.status);
  if (decision !== undefined) applyAttemptStatus(state, entry, decision, false);
  return decision !== undefined;
}

/** Returns the decision that a level status implies for the current attempt, or `undefined` if it implies none. */
function toImpliedDecision(
  levelStatus: VerificationStatus,
  attemptStatus: AttemptStatus | undefined,
  current: Attempt | undefined,
  before: VerificationStatus | undefined,
): AttemptStatus | undefined {
  const isAlone = attemptStatus === undefined;
  const endsApproval = current?.status === 'APPROVED' && attemptStatus !== 'APPROVED';
  switch (levelStatus) {
    case 'VERIFIED':
      return isAlone && before !== 'VERIFIED' ? 'APPROVED' : undefined;
    case 'EXPIRED':
      return endsApproval || (isAlone && current === undefined) ? 'EXPIRED' : undefined;
    case 'NOT_VERIFIED': {
      const endsAttempt = isAlone && current !== undefined && isOpen(current.status);
      // A rejection in the same event revises the approval. The approval is not cancelled first.
      return (endsApproval && attemptStatus !== 'REJECTED') || endsAttempt
        ? 'CANCELLED'
        : undefined;
    }
  }
}

/**
 * @param hasDecided - Whether the same event has just decided an attempt. If true, an open status in that event starts the next
 * attempt.
 */
function applyAttemptStatus(
  state: FoldState,
  entry: Entry<StatusEvent>,
  status: AttemptStatus,
  hasDecided: boolean,
): void {
  const { attempts } = state;
  const isNext =
    attempts === null ||
    (entry.event.attemptRef === undefined &&
      ((hasDecided && isOpen(status)) || startsNextAttempt(attempts.run, status)));
  state.attempts = isNext
    ? append(attempts, startAttempt(entry, status))
    : replaceLast(attempts, updateAttempt(attempts.run, entry, status));
}

/**
 * Whether the status starts the next attempt. A cancelled attempt stays cancelled. An open status with the timestamp of a
 * decision sorts before it, so the decision ends the attempt that the open status started or continued.
 */
function startsNextAttempt(current: Attempt, status: AttemptStatus): boolean {
  if (isOpen(current.status)) return false;
  return current.status === 'CANCELLED' ? status !== 'CANCELLED' : isOpen(status);
}

// ── Events that void attempts ───────────────────────────────────────────────────────────────────────────────────────

function applyReset(state: FoldState, entry: Entry<ResetEvent>): void {
  voidAll(state, entry, entry.event.providerStatus);
  state.attempts = append(state.attempts, startAttempt(entry, 'PENDING'));
  state.superseded = false;
}

function applyDeletion(state: FoldState, entry: RecordedEvent): void {
  if (state.attempts === null) return;
  voidAll(state, entry, 'deleted');
  state.superseded = true;
}

/** Cancels an open attempt. The level keeps an approval, because the user earned it. */
function applyLevelChange(state: FoldState, entry: RecordedEvent, providerStatus: string): void {
  const { attempts } = state;
  if (attempts === null) return;
  if (isOpen(attempts.run.status)) {
    const cancelled = { ...cancelAttempt(attempts.run, entry, providerStatus), decisions: null };
    state.attempts = replaceLast(attempts, cancelled);
  }
  state.superseded = true;
}

/** Voids the approval of the level. A later open attempt continues. */
function applyUnverified(state: FoldState, entry: Entry<UnverifiedEvent>): void {
  const { levelStatus } = state;
  voidApproval(state, entry, entry.event.providerStatus);
  if (levelStatus === null || levelStatus.status === 'NOT_VERIFIED') return;
  state.levelStatus = {
    status: 'NOT_VERIFIED',
    decisions: createDecisions(getEffectiveDate(entry)),
  };
}

/** Cancels the open attempt and the approval of the level. A rejection or an expiry verifies nothing and stays as it is. */
function voidAll(state: FoldState, entry: RecordedEvent, providerStatus: string): void {
  voidApproval(state, entry, providerStatus);
  const { attempts } = state;
  if (attempts !== null && isOpen(attempts.run.status)) {
    state.attempts = replaceLast(attempts, cancelAttempt(attempts.run, entry, providerStatus));
  }
  state.levelStatus = null;
}

function voidApproval(state: FoldState, entry: RecordedEvent, providerStatus: string): void {
  const { attempts } = state;
  const decisive = findLast(attempts, ({ decisions }) => decisions !== null);
  if (attempts === null || decisive?.run.status !== 'APPROVED') return;
  const { run } = decisive;
  state.attempts = replaceAt(attempts, decisive, cancelAttempt(run, entry, providerStatus));
}
