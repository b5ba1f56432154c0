/** A recorded event, and the order in which events are folded. */

import type { AccountState, StatusEvent, VerificationEvent } from '../event';
import { addNanoseconds, type Instant, toInstantText } from '../instant';
import {
  ATTEMPT_STATUSES,
  type AttemptStatus,
  type Trust,
  type VerificationStatus,
} from '../status';
import { compare } from '../text';

export interface RecordedEvent {
  /** Distinct for distinct events: the duplicate key of the delivery and the position of the event in it. */
  readonly key: string;
  readonly receivedAt: Instant;
  readonly trust: Trust;
  readonly event: VerificationEvent;
}

/** Returns the provider timestamp. If the provider sent none, returns the time of receipt. */
export function getEffectiveDate({ event, receivedAt }: RecordedEvent): Instant {
  return event.occurredAt ?? receivedAt;
}

/** Whether the event is part of a status response without a timestamp: a state whose beginning is unknown. */
export function isUndatedResponse({
  event,
  trust,
}: Pick<RecordedEvent, 'event' | 'trust'>): boolean {
  return trust === 'CONFIRMED' && event.occurredAt === undefined;
}

/** Maximum difference between a provider's clock and ours. Sumsub itself rejects requests from clocks further off. */
export const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Returns the effective date of a status response without a timestamp. The response sorts after every event stored when the
 * request was sent, by either clock. It sorts before every event that the provider sends later, so a response that was
 * overtaken on its way never wins. If the two clocks leave a doubt, the response loses: the status can be checked again, but
 * a webhook is sent only once.
 *
 * @param known - Events of the same identity. Every response among them was complete before this request.
 */
export function getResponseDate(known: readonly RecordedEvent[], requestedAt: Date): Instant {
  const requested = toInstantText(requestedAt);
  const hasProviderClock = known.some(({ event }) => event.occurredAt !== undefined);
  const toleranceMs = hasProviderClock ? CLOCK_TOLERANCE_MS : 0;
  const earliest = toInstantText(new Date(requestedAt.getTime() - toleranceMs));
  const latest = known
    .filter((entry) => isUndatedResponse(entry) || entry.receivedAt <= requested)
    .map(getEffectiveDate)
    .sort(compare)
    .at(-1);
  return latest === undefined || latest < earliest ? earliest : addNanoseconds(latest, 1);
}

/**
 * Orders by effective date, then by rank (the higher rank wins), then by key. The time of receipt decides nothing between
 * events with a provider timestamp, so any order of arrival yields the same order.
 */
export function byOccurrence(a: RecordedEvent, b: RecordedEvent): number {
  return (
    compare(getEffectiveDate(a), getEffectiveDate(b)) ||
    getRank(a.event) - getRank(b.event) ||
    compare(a.key, b.key)
  );
}

const ACCOUNT_CAUTION: Record<AccountState, number> = { ACTIVE: 0, DEACTIVATED: 1, DELETED: 2 };

/** Decision that a level status implies if the event contains no attempt status. */
const DECISION_BY_LEVEL_STATUS = {
  VERIFIED: 'APPROVED',
  EXPIRED: 'EXPIRED',
  NOT_VERIFIED: 'CANCELLED',
} as const satisfies Record<VerificationStatus, AttemptStatus>;

/**
 * Returns the rank among events with equal dates. Ascending: events that decide no attempt, open statuses, decisions (each
 * group in the order of `ATTEMPT_STATUSES`), events that void attempts, account events.
 */
function getRank(event: VerificationEvent): number {
  const statuses = ATTEMPT_STATUSES.length;
  switch (event.type) {
    case 'PROFILE':
    case 'CREDENTIAL':
      return -1;
    case 'STATUS':
      return ATTEMPT_STATUSES.indexOf(toAttemptStatus(event));
    case 'RESET':
    case 'UNVERIFIED':
      return statuses;
    case 'WITHDRAWN':
      return statuses + 1;
    case 'ACCOUNT':
      return statuses + 2 + ACCOUNT_CAUTION[event.state];
  }
}

function toAttemptStatus({ status, levelStatus = 'NOT_VERIFIED' }: StatusEvent): AttemptStatus {
  return status ?? DECISION_BY_LEVEL_STATUS[levelStatus];
}
