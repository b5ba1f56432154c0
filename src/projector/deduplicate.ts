/** Whether a delivery repeats one that is kept already, and under which key a further one is kept. */

import type { IncomingDelivery } from '../domain/delivery';
import { DUPLICATE_WINDOW_MS } from '../domain/fold/attempts';
import { type IdentityNode, type KnownDelivery, pairKey, type UnitOfWork } from './unit-of-work';

export function findDuplicate(
  unit: UnitOfWork,
  delivery: IncomingDelivery,
): KnownDelivery | undefined {
  const { provider, reading, receivedAt } = delivery;
  if (!mayRecur(delivery)) return unit.deliveries.get(pairKey(provider, reading.duplicateKey));
  // That the vendor still says so is news: it outdoes what was said before and arrives only later.
  if (delivery.trust === 'CONFIRMED') return undefined;

  const latest = unit.deliveriesById.get(wordBefore(unit, delivery));
  if (latest === undefined || !latest.duplicateKey.startsWith(`${reading.duplicateKey}@`))
    return undefined;
  const apartMs = Math.abs(receivedAt.getTime() - Date.parse(latest.receivedAt));
  return apartMs <= DUPLICATE_WINDOW_MS ? latest : undefined;
}

/**
 * Without a clock the same words again are a retry only if nothing else was said in between, and not for long. What
 * nobody could read may have been said of anybody: to keep a word too often does no harm, to lose one does.
 */
function wordBefore(unit: UnitOfWork, delivery: IncomingDelivery): number {
  const last = unit.lastDeliveries.get(delivery.provider);
  if (delivery.reading.kind === 'QUARANTINED') return last?.recurring ?? 0;
  const own = findSubject(unit, delivery)?.undatedDeliveryId ?? 0;
  return own > (last?.unread ?? 0) ? own : 0;
}

/** Whether the same words again may be news: nothing but their receipt says when they were said. */
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

/** Whom a delivery is about, where it is known already. */
export function findSubject(
  unit: UnitOfWork,
  { provider, reading }: IncomingDelivery,
): IdentityNode | undefined {
  const events = reading.kind === 'EVENTS' ? reading.events : [];
  const subject = events.find(({ type }) => type !== 'CREDENTIAL');
  return subject && unit.identities.get(pairKey(provider, subject.subjectRef));
}

/** The key under which the row is kept: unique, also where the vendor's own words come back. */
export function toStoredKey(
  deliveryId: number,
  delivery: Pick<IncomingDelivery, 'reading'>,
): string {
  const { duplicateKey } = delivery.reading;
  return mayRecur(delivery) ? `${duplicateKey}@${deliveryId}` : duplicateKey;
}
