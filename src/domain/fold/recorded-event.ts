/** Distinct for distinct events: the duplicate key of the delivery and the event's place in it. */

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
  readonly key: string;
  readonly receivedAt: Instant;
  readonly trust: Trust;
  readonly event: VerificationEvent;
}

/** The vendor's clock; the receipt where the vendor has none. */
export function getEffectiveDate({ event, receivedAt }: RecordedEvent): Instant {
  return event.occurredAt ?? receivedAt;
}

/** Whether it is what a vendor's API answered without saying since when that is so: a state, not news of one. */
export function isUndatedResponse({
  event,
  trust,
}: Pick<RecordedEvent, 'event' | 'trust'>): boolean {
  return trust === 'CONFIRMED' && event.occurredAt === undefined;
}

/** How far the vendor's clock and ours may be apart; Sumsub itself answers nobody whose clock is further off than this. */
export const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Where an answer without a date stands among what is said of the same identity. It was asked for after all that was held by
 * then, so it comes after that, by whatever clock; and before all that the vendor has said since it was asked, so that an
 * answer that is overtaken on its way never wins. Between the two clocks, doubt is decided against the answer: it can be
 * asked for again, a webhook cannot.
 *
 * @param held - Of the same identity. Answers among them were complete before this one was asked for.
 */
export function getResponseDate(held: readonly RecordedEvent[], askedAt: Date): Instant {
  const asked = toInstantText(askedAt);
  const twoClocks = held.some(({ event }) => event.occurredAt !== undefined);
  const earliest = toInstantText(
    new Date(askedAt.getTime() - (twoClocks ? CLOCK_TOLERANCE_MS : 0)),
  );
  const known = held
    .filter((entry) => isUndatedResponse(entry) || entry.receivedAt <= asked)
    .map(getEffectiveDate)
    .sort(compare)
    .at(-1);
  return known === undefined || known < earliest ? earliest : addNanoseconds(known, 1);
}

/**
 * Orders by the vendor's clock, then by rank (the higher rank comes last and wins), then by key. Receipt decides nothing
 * between events that have a clock, so any order of arrival gives the same order here.
 */
export function byOccurrence(a: RecordedEvent, b: RecordedEvent): number {
  return (
    compare(getEffectiveDate(a), getEffectiveDate(b)) ||
    rank(a.event) - rank(b.event) ||
    compare(a.key, b.key)
  );
}

const ACCOUNT_CAUTION: Record<AccountState, number> = { ACTIVE: 0, DEACTIVATED: 1, DELETED: 2 };

/** Decision that a lasting state implies where no attempt status comes with it. */
const DECISION_BY_STANDING = {
  VERIFIED: 'APPROVED',
  EXPIRED: 'EXPIRED',
  NOT_VERIFIED: 'CANCELLED',
} as const satisfies Record<VerificationStatus, AttemptStatus>;

/**
 * Rank among events of one instant, ascending: events that decide no attempt, open statuses, decisions (each group in the
 * order of `ATTEMPT_STATUSES`), events that void attempts, account events.
 */
function rank(event: VerificationEvent): number {
  const words = ATTEMPT_STATUSES.length;
  switch (event.type) {
    case 'PROFILE':
    case 'CREDENTIAL':
      return -1;
    case 'STATUS':
      return ATTEMPT_STATUSES.indexOf(statusOf(event));
    case 'RESET':
    case 'UNVERIFIED':
      return words;
    case 'WITHDRAWN':
      return words + 1;
    case 'ACCOUNT':
      return words + 2 + ACCOUNT_CAUTION[event.state];
  }
}

function statusOf({ status, levelStatus: standing = 'NOT_VERIFIED' }: StatusEvent): AttemptStatus {
  return status ?? DECISION_BY_STANDING[standing];
}
