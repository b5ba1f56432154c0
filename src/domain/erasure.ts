/**
 * Erasure rules: which texts stay, and which later events belong to the erased person.
 *
 * One rule decides about later events: an erased ID returns with an event that is dated after the erasure. All earlier events
 * are late, in any order of arrival.
 */

import type { Rejection } from './change';
import type { Reason } from './event';
import { isUndatedResponse, type RecordedEvent } from './fold/recorded-event';
import { type Instant, toInstantText } from './instant';

/** Age that an event without a date may have when it arrives. Providers retry for a day or two. */
const UNDATED_AGE_MS = 48 * 60 * 60_000;

type DatedEvent = Omit<RecordedEvent, 'key'>;

/** Matches codes of a provider, but no phrase that a person may have typed. */
const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

export function withoutFreeText(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.map(({ code, providerCode }) => ({
    code,
    providerCode: providerCode !== null && CODE.test(providerCode) ? providerCode : null,
    message: null,
  }));
}

export function withoutProviderText({ retryable, reasons }: Rejection): Rejection {
  return { retryable, reasons: withoutFreeText(reasons) };
}

/** Whether the event is from before the erasure. A status response without a date is as old as its request. */
export function isLate(entry: DatedEvent, erasedAt: Date): boolean {
  const { event, receivedAt } = entry;
  if (event.occurredAt !== undefined) return event.occurredAt <= lastInstantOf(erasedAt);
  const ageMs = isUndatedResponse(entry) ? 0 : UNDATED_AGE_MS;
  return receivedAt <= lastInstantOf(new Date(erasedAt.getTime() + ageMs));
}

/**
 * Whether an erased ID can return with this event. It cannot return with a deletion, which providers send after the erasure, or
 * with a status response: checks are sent only for known identities, so the check was scheduled before the erasure.
 */
export function canReturnWith(entry: DatedEvent): boolean {
  const { event } = entry;
  const isDeletion = event.type === 'ACCOUNT' && event.state === 'DELETED';
  return !isDeletion && entry.trust !== 'CONFIRMED';
}

/** Returns the last instant of the millisecond: providers' timestamps have up to nine decimals. */
function lastInstantOf(date: Date): Instant {
  return `${toInstantText(date).slice(0, 23)}999999Z`;
}
