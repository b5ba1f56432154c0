/** Times of receipt of events without a provider timestamp. They determine the order of these events. */

import type { IncomingDelivery } from '../domain/delivery';
import type { VerificationEvent } from '../domain/event';
import {
  byOccurrence,
  getEffectiveDate,
  getResponseDate,
  isUndatedResponse,
} from '../domain/fold/recorded-event';
import { addNanoseconds, type Instant, toInstantText } from '../domain/instant';
import { getFold, type IdentityNode } from './unit-of-work';

/**
 * Returns the time of receipt of an event. Events without a provider timestamp received within one millisecond get
 * successive nanoseconds, because the order of receipt is the only order known.
 */
export function getReceiptTime(
  identity: IdentityNode,
  event: VerificationEvent,
  { receivedAt, trust }: IncomingDelivery,
  deliveryId: number,
): Instant {
  const receipt = toInstantText(receivedAt);
  if (event.occurredAt !== undefined) return receipt;
  if (trust === 'CONFIRMED') return getResponseTime(identity, deliveryId, receivedAt);
  const millisecond = receipt.slice(0, 23);
  let before = 0;
  for (const known of getFold(identity).newestFirst()) {
    if (getEffectiveDate(known) < millisecond) break;
    const isUndated = known.event.occurredAt === undefined;
    if (isUndated && known.receivedAt.startsWith(millisecond)) before += 1;
  }
  return `${millisecond}${String(before).padStart(6, '0')}Z`;
}

/** Events of one response get successive nanoseconds. */
function getResponseTime({ events }: IdentityNode, deliveryId: number, requestedAt: Date): Instant {
  const others = events.filter((event) => event.deliveryId !== deliveryId);
  const own = events.filter((event) => event.deliveryId === deliveryId && isUndatedResponse(event));
  return addNanoseconds(getResponseDate(others, requestedAt), own.length);
}

/**
 * Returns the delivery of the latest event without a provider timestamp, or `null`. A response that was overtaken on its way
 * is not the latest, although it was stored last.
 */
export function findLatestUndatedDelivery({ events }: IdentityNode): number | null {
  const undated = events.filter(({ event }) => event.occurredAt === undefined);
  return undated.sort(byOccurrence).at(-1)?.deliveryId ?? null;
}
