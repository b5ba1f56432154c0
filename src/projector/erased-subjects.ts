/** Recognizes deliveries about erased users. */

import type { IncomingDelivery } from '../domain/delivery';
import { isAboutErasure, isLateNews } from '../domain/erasure';
import type { RecordedEvent } from '../domain/fold/recorded-event';
import { toInstantText } from '../domain/instant';
import { type IdentityNode, pairKey, type UnitOfWork } from './unit-of-work';

/**
 * Whether the delivery speaks of somebody who was erased, and comes late: by its date, whoever has come back by now, so that
 * the order of arrival decides nothing. An account that an operator has given to somebody is theirs, whatever is said of it.
 */
export function isAboutErasedSubject(unit: UnitOfWork, delivery: IncomingDelivery): boolean {
  const { provider, reading, trust } = delivery;
  if (unit.tombstones.size === 0 || reading.kind !== 'EVENTS') return false;
  const receivedAt = toInstantText(delivery.receivedAt);
  return reading.events.some((event) => {
    const subject = pairKey(provider, event.subjectRef);
    const known = unit.identities.get(subject);
    if (known?.linked) return false;
    const said = { event, receivedAt, trust };
    const erasures = [unit.tombstones.get(subject), erasureOfNamed(unit, said)];
    return erasures.some(
      (at) =>
        at !== undefined && (isLateNews(said, at) || (known === undefined && isAboutErasure(said))),
    );
  });
}

/**
 * Whether the user whom an event of a live account names was erased, and does not come back by it: the account is somebody
 * else's by now. An operator said so, or the vendor has named another since.
 */
export function mentionsErasedSubject(
  unit: UnitOfWork,
  { linked }: Pick<IdentityNode, 'linked'>,
  said: RecordedEvent,
): boolean {
  const at = erasureOfNamed(unit, said);
  return at !== undefined && (linked || isLateNews(said, at) || isAboutErasure(said));
}

function erasureOfNamed(
  { tombstones }: Pick<UnitOfWork, 'tombstones'>,
  { event: { externalUserId } }: Pick<RecordedEvent, 'event'>,
): Date | undefined {
  if (tombstones.size === 0 || externalUserId === undefined) return undefined;
  return tombstones.get(toUserKey(externalUserId));
}

/** Apart from all keys of subjects, which begin with a provider. */
export function toUserKey(externalUserId: string): string {
  return ` ${externalUserId}`;
}
