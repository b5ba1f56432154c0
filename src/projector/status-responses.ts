/** What is particular to a vendor's answer: it tells a state, as of a moment of our choosing. */

import { byOccurrence, getResponseDate, isUndatedResponse } from '../domain/fold/recorded-event';
import { addNanoseconds, type Instant } from '../domain/instant';
import type { IdentityNode } from './unit-of-work';

/** Words of one answer keep their order. */
export function responseReceiptTime(
  { events }: IdentityNode,
  deliveryId: number,
  askedAt: Date,
): Instant {
  const others = events.filter((held) => held.deliveryId !== deliveryId);
  const own = events.filter((held) => held.deliveryId === deliveryId && isUndatedResponse(held));
  return addNanoseconds(getResponseDate(others, askedAt), own.length);
}

/** The delivery of the latest word without a clock: an answer that was overtaken on its way is not it, though kept last. */
export function latestUndated({ events }: IdentityNode): number | null {
  const undated = events.filter(({ event }) => event.occurredAt === undefined);
  return undated.sort(byOccurrence).at(-1)?.deliveryId ?? null;
}
