/** Recognizes deliveries about erased users. */

import type { IncomingDelivery } from '../domain/delivery';
import { canReturnWith, isLate } from '../domain/erasure';
import type { RecordedEvent } from '../domain/fold/recorded-event';
import { toInstantText } from '../domain/instant';
import { type IdentityNode, pairKey, type UnitOfWork } from './unit-of-work';

/**
 * Whether the delivery is about an erased user and belongs to the time before the erasure. Dates decide, not the order of
 * arrival, with one exception: a deletion or a status response that arrives before the first event of a return is ignored. An
 * identity that an operator has linked belongs to its user, with all its events.
 */
export function isAboutErasedSubject(unit: UnitOfWork, delivery: IncomingDelivery): boolean {
  const { provider, reading, trust } = delivery;
  if (unit.tombstones.size === 0 || reading.kind !== 'EVENTS') return false;
  const receivedAt = toInstantText(delivery.receivedAt);
  return reading.events.some((event) => {
    const subject = pairKey(provider, event.subjectRef);
    const identity = unit.identities.get(subject);
    if (identity?.linked) return false;
    const entry = { event, receivedAt, trust };
    const opens = identity === undefined;
    return [unit.tombstones.get(subject), findUserErasure(unit, entry)].some(
      (erasedAt) =>
        erasedAt !== undefined && (isLate(entry, erasedAt) || (opens && !canReturnWith(entry))),
    );
  });
}

/**
 * Whether an event of a live identity names an erased user who does not return with it. The identity belongs to another user,
 * because an operator linked it or the provider has named another user since.
 */
export function mentionsErasedSubject(
  unit: UnitOfWork,
  { linked }: Pick<IdentityNode, 'linked'>,
  entry: RecordedEvent,
): boolean {
  const erasedAt = findUserErasure(unit, entry);
  return erasedAt !== undefined && (linked || isLate(entry, erasedAt) || !canReturnWith(entry));
}

/** Returns the time at which the user that the event names was erased. */
function findUserErasure(
  { tombstones }: Pick<UnitOfWork, 'tombstones'>,
  { event: { externalUserId } }: Pick<RecordedEvent, 'event'>,
): Date | undefined {
  if (tombstones.size === 0 || externalUserId === undefined) return undefined;
  return tombstones.get(toUserKey(externalUserId));
}

/** Returns the key of a user among the tombstones. Keys of subjects begin with a provider instead. */
export function toUserKey(externalUserId: string): string {
  return ` ${externalUserId}`;
}
