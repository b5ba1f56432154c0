/** Detects duplicates of stored deliveries and creates the keys under which deliveries are stored. */

import type { IncomingDelivery } from '../domain/delivery';
import { DUPLICATE_WINDOW_MS } from '../domain/fold/attempts';
import { type IdentityNode, type KnownDelivery, pairKey, type UnitOfWork } from './unit-of-work';

export function findDuplicate(
  unit: UnitOfWork,
  delivery: IncomingDelivery,
): KnownDelivery | undefined {
  const { provider, reading, receivedAt } = delivery;
  if (!mayRecur(delivery)) return unit.deliveries.get(pairKey(provider, reading.duplicateKey));
  // A repeated status response is a new event: it overrides events that occurred before it but arrive later.
  if (delivery.trust === 'CONFIRMED') return undefined;

  const latest = unit.deliveriesById.get(getPreviousDeliveryId(unit, delivery));
  if (latest === undefined || !latest.duplicateKey.startsWith(`${reading.duplicateKey}@`))
    return undefined;
  const apartMs = Math.abs(receivedAt.getTime() - Date.parse(latest.receivedAt));
  return apartMs <= DUPLICATE_WINDOW_MS ? latest : undefined;
}

/**
 * Returns the only delivery that this one can duplicate, or 0. Without a provider timestamp, the same bytes are a retry only
 * in direct succession. A quarantined delivery in between may concern any identity, so it breaks the succession: an event
 * stored twice does no harm, but a lost event does.
 */
function getPreviousDeliveryId(unit: UnitOfWork, delivery: IncomingDelivery): number {
  const last = unit.lastDeliveries.get(delivery.provider);
  if (delivery.reading.kind === 'QUARANTINED') return last?.recurring ?? 0;
  const own = findSubject(unit, delivery)?.undatedDeliveryId ?? 0;
  return own > (last?.quarantined ?? 0) ? own : 0;
}

/** Whether the same bytes may be a new event, because they contain no provider timestamp. */
export function mayRecur({ reading }: Pick<IncomingDelivery, 'reading'>): boolean {
  switch (reading.kind) {
    case 'EVENTS':
      return reading.events.some((event) => event.occurredAt === undefined);
    case 'IGNORED':
      return false;
    case 'QUARANTINED':
      return reading.mayRecur ?? false;
  }
}

/** Returns the identity that a delivery concerns, or `undefined` if it is not known. */
export function findSubject(
  unit: UnitOfWork,
  { provider, reading }: IncomingDelivery,
): IdentityNode | undefined {
  const events = reading.kind === 'EVENTS' ? reading.events : [];
  const subject = events.find(({ type }) => type !== 'CREDENTIAL');
  return subject && unit.identities.get(pairKey(provider, subject.subjectRef));
}

/** Returns the key under which a delivery is stored. It is unique even if the provider sends the same bytes for a new event. */
export function toStoredKey(
  deliveryId: number,
  delivery: Pick<IncomingDelivery, 'reading'>,
): string {
  const { duplicateKey } = delivery.reading;
  return mayRecur(delivery) ? `${duplicateKey}@${deliveryId}` : duplicateKey;
}
