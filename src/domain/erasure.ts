/** What is left of a person once they are erased: the bare fact of statuses, and nothing that anybody wrote about them. */

import type { Rejection } from './change';
import type { Reason, VerificationEvent } from './event';
import { isUndatedResponse, type RecordedEvent } from './fold/recorded-event';
import { type Instant, toInstantText } from './instant';

/** How long after an erasure news without a date is taken for old news: vendors repeat for a day or two. */
const LATE_MS = 48 * 60 * 60_000;

type Said = Omit<RecordedEvent, 'key'>;

/** A vendor's code, and not a phrase that somebody may have typed. */
const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

export function withoutFreeText(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.map(({ code, providerCode }) => ({
    code,
    providerCode: providerCode !== null && CODE.test(providerCode) ? providerCode : null,
    message: null,
  }));
}

export function withoutRemarks({ retryable, reasons }: Rejection): Rejection {
  return { retryable, reasons: withoutFreeText(reasons) };
}

/** Whether this was said of the person who was erased and comes late, rather than of one who has come back since. */
export function isLateNews(said: Said, erasedAt: Date): boolean {
  const { event, receivedAt } = said;
  if (event.occurredAt !== undefined) return event.occurredAt <= lastInstantOf(erasedAt);
  const lateMs = isUndatedResponse(said) ? 0 : LATE_MS; // an answer says what was so when we asked
  return receivedAt <= lastInstantOf(new Date(erasedAt.getTime() + lateMs));
}

/** Whether it brings nobody back, whenever it is said: that an account is gone, or what was answered about it. */
export function isAboutErasure(said: Said): boolean {
  return isDeletion(said.event) || isUndatedResponse(said);
}

export function isDeletion(event: VerificationEvent): boolean {
  return event.type === 'ACCOUNT' && event.state === 'DELETED';
}

/**
 * Whether an account that a vendor has erased is the one that is held, rather than one that has come back since. Also where it
 * goes on: what was said before is to go, and what was said of one account is under one key.
 *
 * @param signs - When anything was said of the account that is held, but for its end.
 * @param saidAt - When the vendor said that it was erased.
 */
export function isAfterErasure(signs: readonly Instant[], saidAt: Instant): boolean {
  return signs.length === 0 || signs.some((at) => at <= saidAt);
}

/** Vendors' clocks have up to nine decimals. */
function lastInstantOf(date: Date): Instant {
  return `${toInstantText(date).slice(0, 23)}999999Z`;
}
