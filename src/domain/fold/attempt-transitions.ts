/** Transitions of one attempt: start, update and cancel. Pure. */

import type { ResetEvent, StatusEvent } from '../event';
import type { Instant } from '../instant';
import { type AttemptStatus, isOpen } from '../status';
import type { Attempt, AttemptRun } from './attempt-runs';
import { createDecisions, type Decisions, joinDecisions } from './decisions';
import { getEffectiveDate, isUndatedResponse, type RecordedEvent } from './recorded-event';

/** A recorded event of one type. */
export type Entry<Event> = RecordedEvent & { readonly event: Event };

export function startAttempt(
  entry: Entry<StatusEvent | ResetEvent>,
  status: AttemptStatus,
): AttemptRun {
  const at = getEffectiveDate(entry);
  const { event } = entry;
  return {
    attemptRef: event.type === 'STATUS' ? (event.attemptRef ?? null) : null,
    sandbox: event.sandbox ?? false,
    startedAt: at,
    ...toStatusFields(entry, status, at),
    updatedAt: at,
    decisions: isOpen(status) ? null : createDecisions(at),
  };
}

export function updateAttempt(
  before: AttemptRun,
  entry: Entry<StatusEvent>,
  status: AttemptStatus,
): AttemptRun {
  const at = getEffectiveDate(entry);
  const fields = toStatusFields(entry, status, at);
  if (before.status !== status) {
    const decisions = isOpen(status) ? null : createDecisions(at);
    return { ...before, ...fields, updatedAt: at, decisions };
  }
  // An undated response does not prolong an approval. If it has no reasons, the known ones remain.
  const isResponse = isUndatedResponse(entry);
  const isDecidedAgain = !isOpen(status) && !isResponse;
  const run = isDecidedAgain ? { ...before, decisions: addDecision(before.decisions, at) } : before;
  const hasSameReasons =
    (isResponse && entry.event.reasons === undefined) ||
    JSON.stringify([run.rejection, run.reviewReasons]) ===
      JSON.stringify([fields.rejection, fields.reviewReasons]);
  if (!hasSameReasons) return { ...run, ...fields, updatedAt: at, decidedAt: run.decidedAt };
  // A webhook that repeats a status confirmed by the provider's API leaves it confirmed.
  const trust = [entry.trust, run.trust].includes('CONFIRMED') ? 'CONFIRMED' : fields.trust;
  if (run.providerStatus !== fields.providerStatus) {
    return { ...run, providerStatus: fields.providerStatus, trust };
  }
  return trust === 'CONFIRMED' && run.trust !== trust ? { ...run, trust } : run;
}

export function cancelAttempt(
  attempt: AttemptRun,
  entry: RecordedEvent,
  providerStatus: string,
): AttemptRun {
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

function addDecision(decisions: Decisions | null, at: Instant): Decisions {
  const decision = createDecisions(at);
  return decisions === null ? decision : joinDecisions(decisions, decision);
}

function toStatusFields(
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
