/** Keeps one delivery in the unit of work, its bytes and what follows from them, or counts it as a repeat. */

import type { IncomingDelivery, RecordOutcome } from '../domain/delivery';
import type { ProjectionRules } from '../domain/fold/user';
import type { Disposition } from '../domain/status';
import { encryptBody, NO_BODY } from '../encryption/encrypted-body';
import type { KeyRing } from '../encryption/key-ring';
import { applyEvents } from './apply-events';
import { findDuplicate, mayRecur, toStoredKey } from './deduplicate';
import { isAboutErasedSubject } from './erased-subjects';
import {
  type KnownDelivery,
  type NewDelivery,
  nextId,
  pairKey,
  type UnitOfWork,
  updateLastDeliveries,
} from './unit-of-work';

/** What has to be in the unit of work before these deliveries are recorded. */
export function createLookup(
  deliveries: readonly Pick<IncomingDelivery, 'provider' | 'reading'>[],
): Required<Omit<Lookup, 'userIds' | 'withoutHistory'>> {
  const lookup = {
    duplicates: [] as [string, string][],
    subjects: [] as [string, string][],
    externalUserIds: [] as string[],
    credentials: [] as [string, string][],
    lastDeliveriesOf: [] as string[],
  };
  for (const delivery of deliveries) {
    const { provider, reading } = delivery;
    if (mayRecur(delivery) && !lookup.lastDeliveriesOf.includes(provider)) {
      lookup.lastDeliveriesOf.push(provider);
    }
    lookup.duplicates.push([provider, reading.duplicateKey]);
    if (reading.kind !== 'EVENTS') continue;
    for (const event of reading.events) {
      if (event.type === 'CREDENTIAL') lookup.credentials.push([provider, event.credentialRef]);
      else lookup.subjects.push([provider, event.subjectRef]);
      if (event.externalUserId !== undefined) lookup.externalUserIds.push(event.externalUserId);
    }
  }
  return lookup;
}

export function recordDelivery(
  unit: UnitOfWork,
  delivery: IncomingDelivery,
  keyRing: KeyRing,
  rules: ProjectionRules,
): RecordOutcome {
  const repeated = findDuplicate(unit, delivery);
  if (repeated !== undefined) {
    unit.duplicateCounts.set(repeated.id, (unit.duplicateCounts.get(repeated.id) ?? 0) + 1);
    return {
      deliveryId: repeated.id,
      disposition: repeated.disposition,
      duplicate: true,
      changes: 0,
    };
  }

  const deliveryId = nextId(unit, 'deliveries');
  if (isAboutErasedSubject(unit, delivery)) {
    storeDelivery(unit, deliveryId, toErasedDelivery(deliveryId, delivery), 'IGNORED', NO_BODY);
    return { deliveryId, disposition: 'IGNORED', duplicate: false, changes: 0 };
  }
  const logged = unit.changes.length;
  const { disposition, identity } = applyEvents(unit, deliveryId, delivery, keyRing, rules, {
    kind: 'DELIVERY',
    actor: null,
  });
  const sealed = encryptBody(delivery.rawBody, identity, keyRing);
  storeDelivery(unit, deliveryId, delivery, disposition, {
    identityId: identity?.id ?? null,
    ...sealed,
  });
  return { deliveryId, disposition, duplicate: false, changes: unit.changes.length - logged };
}

/** What is kept of late news of somebody who was erased: that it came. */
export function toErasedDelivery(deliveryId: number, delivery: IncomingDelivery): IncomingDelivery {
  const eventType = delivery.reading.eventType ?? '';
  const duplicateKey = toStoredKey(deliveryId, delivery);
  return { ...delivery, reading: { kind: 'IGNORED', eventType, duplicateKey }, subpath: '' };
}

function storeDelivery(
  unit: UnitOfWork,
  id: number,
  delivery: IncomingDelivery,
  disposition: Disposition,
  body: Pick<NewDelivery, 'identityId' | 'body' | 'bodyKeyId'>,
): void {
  const { provider } = delivery;
  const receivedAt = delivery.receivedAt.toISOString();
  const known = { id, provider, duplicateKey: toStoredKey(id, delivery), receivedAt, disposition };
  putDelivery(unit, unit.newDeliveries, known, delivery, body);
  updateLastDeliveries(unit, provider, {
    recurring: mayRecur(delivery) ? id : 0,
    unread: disposition === 'QUARANTINED' ? id : 0,
  });
}

/** Makes it one of those that are known. @param rows - Those to be saved, of which it is one now. */
export function putDelivery(
  unit: UnitOfWork,
  rows: NewDelivery[],
  known: KnownDelivery,
  { trust, reading, subpath }: IncomingDelivery,
  body: Pick<NewDelivery, 'identityId' | 'body' | 'bodyKeyId'>,
): void {
  unit.deliveries.set(pairKey(known.provider, known.duplicateKey), known);
  unit.deliveriesById.set(known.id, known);
  rows.push({
    ...known,
    trust,
    reason: reading.kind === 'QUARANTINED' ? reading.reason : null,
    eventType: reading.eventType,
    subpath,
    ...body,
  });
}

export interface Lookup {
  /** [provider, duplicate key] */
  readonly duplicates?: readonly (readonly [string, string])[];
  /** [provider, subject ref] */
  readonly subjects?: readonly (readonly [string, string])[];
  readonly externalUserIds?: readonly string[];
  readonly userIds?: readonly number[];
  /** [provider, credential ref] */
  readonly credentials?: readonly (readonly [string, string])[];
  /** Providers. */
  readonly lastDeliveriesOf?: readonly string[];
  /** Leaves out events and attempts, so that an account of any size can be erased. */
  readonly withoutHistory?: boolean;
}
