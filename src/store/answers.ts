/** What is particular to a vendor's answer: it tells a state, as of a moment of our choosing. */

import { type Instant, later } from '../domain/instant';
import { byOccurrence, dateOfAnswer, isUndatedAnswer } from '../domain/recorded-event';
import type { IdentityNode } from './graph';

/** Words of one answer keep their order. */
export function receiptOfAnswer(
  { events }: IdentityNode,
  deliveryId: number,
  askedAt: Date,
): Instant {
  const others = events.filter((held) => held.deliveryId !== deliveryId);
  const own = events.filter((held) => held.deliveryId === deliveryId && isUndatedAnswer(held));
  return later(dateOfAnswer(others, askedAt), own.length);
}

/** The delivery of the latest word without a clock: an answer that was overtaken on its way is not it, though kept last. */
export function latestUndated({ events }: IdentityNode): number | null {
  const undated = events.filter(({ event }) => event.occurredAt === undefined);
  return undated.sort(byOccurrence).at(-1)?.deliveryId ?? null;
}
