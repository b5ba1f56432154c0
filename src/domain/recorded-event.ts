/** An event with what keeping it adds, and the one order that all readers of events share. */

import { compare } from './compare';
import type { AccountState, VerificationEvent } from './event';
import type { Instant } from './instant';
import { ATTEMPT_STATUSES, type Trust } from './status';

export interface RecordedEvent {
  /** Distinct for distinct events: the duplicate key of the delivery and the event's place in it. */
  readonly key: string;
  readonly receivedAt: Instant;
  readonly trust: Trust;
  readonly event: VerificationEvent;
}

/** The vendor's clock; the receipt where the vendor has none. */
export function dateOf({ event, receivedAt }: RecordedEvent): Instant {
  return event.occurredAt ?? receivedAt;
}

/**
 * Orders by the vendor's clock, then by caution (the more cautious word comes last and wins), then by key. Receipt
 * decides nothing between events that have a clock, so any order of arrival gives the same order here.
 */
export function byOccurrence(a: RecordedEvent, b: RecordedEvent): number {
  return (
    compare(dateOf(a), dateOf(b)) || caution(a.event) - caution(b.event) || compare(a.key, b.key)
  );
}

const ACCOUNT_CAUTION: Record<AccountState, number> = { ACTIVE: 0, DEACTIVATED: 1, DELETED: 2 };

/** News that decides no attempt first, then the status words from bold to cautious, then what voids attempts. */
function caution(event: VerificationEvent): number {
  const words = ATTEMPT_STATUSES.length;
  switch (event.type) {
    case 'PROFILE':
    case 'CREDENTIAL':
      return -2;
    case 'STATUS':
      return event.status === undefined ? -1 : ATTEMPT_STATUSES.indexOf(event.status);
    case 'RESET':
      return words;
    case 'WITHDRAWN':
      return words + 1;
    case 'ACCOUNT':
      return words + 2 + ACCOUNT_CAUTION[event.state];
  }
}
