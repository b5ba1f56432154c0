/** Records one delivery in the unit of work: stores it with its effects, or counts it as a duplicate. */

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

/** Returns the keys that have to be loaded before these deliveries are recorded. */
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
  const original = findDuplicate(unit, delivery);
  if (original !== undefined) {
    const { id, disposition } = original;
    unit.duplicateCounts.set(id, (unit.duplicateCounts.get(id) ?? 0) + 1);
    return { deliveryId: id, disposition, duplicate: true, changes: 0 };
  }

  const deliveryId = nextId(unit, 'deliveries');
  if (isAboutErasedSubject(unit, delivery)) {
    storeDelivery(unit, deliveryId, toErasedDelivery(deliveryId, delivery), 'IGNORED', NO_BODY);
    return { deliveryId, disposition: 'IGNORED', duplicate: false, changes: 0 };
  }
  const changesBefore = unit.changes.length;
  const cause = { kind: 'DELIVERY', actor: null } as const;
  const application = { deliveryId, delivery, keyRing, rules, cause };
  const { disposition, identity } = applyEvents(unit, application);
  const encrypted = encryptBody(delivery.rawBody, identity, keyRing);
  const body = { identityId: identity?.id ?? null, ...encrypted };
  storeDelivery(unit, deliveryId, delivery, disposition, body);
  const changes = unit.changes.length - changesBefore;
  return { deliveryId, disposition, duplicate: false, changes };
}

/** Reduces a late delivery about an erased user to the fact that it was received. */
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
    quarantined: disposition === 'QUARANTINED' ? id : 0,
  });
}

/** Adds a delivery to the known deliveries and to the rows to save. @param rows - `newDeliveries` or `updatedDeliveries`. */
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

/** Keys of the rows to load into a unit of work. */
export interface Lookup {
  /** [provider, duplicate key] */
  readonly duplicates?: readonly (readonly [string, string])[];
  /** [provider, subject ref] */
  readonly subjects?: readonly (readonly [string, string])[];
  readonly externalUserIds?: readonly string[];
  readonly userIds?: readonly number[];
  /** [provider, credential ref] */
  readonly credentials?: readonly (readonly [string, string])[];
  /** Providers whose last deliveries are needed. See `UnitOfWork.lastDeliveries`. */
  readonly lastDeliveriesOf?: readonly string[];
  /** Whether to omit events and attempts, so that an account of any size can be erased. */
  readonly withoutHistory?: boolean;
}
