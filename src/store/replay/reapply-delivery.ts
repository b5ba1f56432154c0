/** Applies one stored delivery again: compares its events with the stored ones, and replaces them if they differ. */

import type { IncomingDelivery } from '../../domain/delivery';
import { InvariantError } from '../../domain/errors';
import type { VerificationEvent } from '../../domain/event';
import { type Instant, toInstantText } from '../../domain/instant';
import type { Disposition } from '../../domain/status';
import { encryptBody, NO_BODY } from '../../encryption/encrypted-body';
import {
  type Application,
  applyEvents,
  createEventKeys,
  type PreviousEvents,
} from '../../projector/apply-events';
import { findSubject, toStoredKey } from '../../projector/deduplicate';
import { isAboutErasedSubject } from '../../projector/erased-subjects';
import { putDelivery, toErasedDelivery } from '../../projector/record-delivery';
import {
  type IdentityNode,
  type NewDelivery,
  pairKey,
  removeEvents,
  type UnitOfWork,
} from '../../projector/unit-of-work';
import type { StoredDeliveryRow } from './stored-deliveries';

/** Returns the new disposition. If the delivery reads as it is stored, changes nothing. */
export function reapplyDelivery(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
  { keyRing, rules, cause }: Pick<Application, 'keyRing' | 'rules' | 'cause'>,
): Disposition {
  if (isUnchanged(unit, row, delivery)) return row.disposition;
  const isErased =
    isAboutErasedSubject(unit, delivery) && !belongsToLiveIdentity(unit, row, delivery);
  const applicable = isErased ? toErasedDelivery(row.id, delivery) : delivery;
  const previous = revoke(unit, row);
  const { identity, disposition: applied } = applyEvents(unit, {
    deliveryId: row.id,
    delivery: applicable,
    keyRing,
    rules,
    cause,
    previous,
  });
  // Compared with the previous effect of this delivery, a correction may change nothing. The disposition then stays.
  const stays = applicable.reading.kind === 'EVENTS' && applied !== 'APPLIED' && wasApplied(row);
  const disposition = stays ? row.disposition : applied;
  const body = isErased
    ? NO_BODY
    : { identityId: identity?.id ?? null, ...encryptBody(delivery.rawBody, identity, keyRing) };
  updateDelivery(unit, row, applicable, disposition, body);
  return disposition;
}

export function wasApplied({ disposition }: StoredDeliveryRow): boolean {
  return disposition !== 'QUARANTINED' && disposition !== 'IGNORED';
}

/** Whether the delivery was assigned to an identity that is still live, even if it names an erased user. */
function belongsToLiveIdentity(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): boolean {
  return row.identityId !== null && row.identityId === findSubject(unit, delivery)?.id;
}

// ── Comparison ──────────────────────────────────────────────────────────────────────────────────────────────────────

function isUnchanged(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): boolean {
  const { reading } = delivery;
  const reason = reading.kind === 'QUARANTINED' ? reading.reason : null;
  return (
    (reading.kind === 'EVENTS' ? wasApplied(row) : reading.kind === row.disposition) &&
    row.eventType === reading.eventType &&
    row.reasonCode === (reason?.code ?? null) &&
    row.reason === (reason?.message ?? null) &&
    row.duplicateKey === toUniqueKey(unit, row, delivery) &&
    row.identityId === (findSubject(unit, delivery)?.id ?? null) &&
    describeStored(row).join('\n') === describeParsed(unit, row, delivery).join('\n')
  );
}

/** Returns the duplicate key. If another delivery has it already, this one keeps its previous key. */
function toUniqueKey(unit: UnitOfWork, row: StoredDeliveryRow, delivery: IncomingDelivery): string {
  const key = toStoredKey(row.id, delivery);
  const holder = unit.deliveries.get(pairKey(row.provider, key));
  return holder === undefined || holder.id === row.id ? key : row.duplicateKey;
}

/** Returns a line for each stored event and credential, sorted. */
function describeStored({ events, credentials }: StoredDeliveryRow): readonly string[] {
  return [
    ...events.map(({ key, event }) => JSON.stringify([key, event])),
    ...credentials.map(({ holderRef, credentialRef, issuedAt }) =>
      JSON.stringify([holderRef, credentialRef, issuedAt]),
    ),
  ].sort();
}

/** Returns the lines that a first delivery would store, sorted. Events that another delivery has stored are left out. */
function describeParsed(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): readonly string[] {
  const { provider, reading, receivedAt } = delivery;
  if (reading.kind !== 'EVENTS') return [];
  const lines = new Map<string, string>();
  const keyAt = createEventKeys(row.id, delivery);
  reading.events.forEach((event, position) => {
    if (event.type === 'CREDENTIAL') {
      const { subjectRef, credentialRef, occurredAt = toInstantText(receivedAt) } = event;
      const key = pairKey(provider, credentialRef);
      if (!lines.has(key)) lines.set(key, JSON.stringify([subjectRef, credentialRef, occurredAt]));
    } else {
      const key = keyAt(position);
      if (!isStoredByAnother(unit, row, event, key)) lines.set(key, JSON.stringify([key, event]));
    }
  });
  return [...lines.values()].sort();
}

function isStoredByAnother(
  unit: UnitOfWork,
  { id, provider }: StoredDeliveryRow,
  { subjectRef }: VerificationEvent,
  key: string,
): boolean {
  const stored = unit.identities.get(pairKey(provider, subjectRef))?.events ?? [];
  return stored.some((event) => event.key === key && event.deliveryId !== id);
}

// ── Replacement ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Removes the events and credentials of the delivery. */
function revoke(
  unit: UnitOfWork,
  { id, provider, events, credentials }: StoredDeliveryRow,
): PreviousEvents {
  const identities = new Set<IdentityNode>();
  const receivedAt = new Map<number, Instant>();
  for (const { event } of events) {
    const identity = unit.identities.get(pairKey(provider, event.subjectRef));
    if (identity === undefined) {
      throw new InvariantError('Identity of a replayed event is not loaded');
    }
    identities.add(identity);
  }
  for (const identity of identities) {
    for (const event of identity.events.filter(({ deliveryId }) => deliveryId === id)) {
      unit.deletedEvents.push(event.id);
      if (event.event.occurredAt !== undefined) continue;
      receivedAt.set(Number(event.key.slice(event.key.lastIndexOf(' '))), event.receivedAt);
    }
    removeEvents(identity, id);
    updateUndatedDelivery(identity, id);
  }
  for (const { id: credentialId, credentialRef } of credentials) {
    unit.deletedCredentials.add(credentialId);
    unit.credentials.delete(pairKey(provider, credentialRef));
  }
  return { identities, receivedAt };
}

/** Finds the latest delivery with an undated event again if it was the removed one. */
function updateUndatedDelivery(identity: IdentityNode, deliveryId: number): void {
  if (identity.undatedDeliveryId !== deliveryId) return;
  const undated = identity.events.filter(({ event }) => event.occurredAt === undefined);
  const latest = Math.max(...undated.map((event) => event.deliveryId));
  identity.undatedDeliveryId = undated.length === 0 ? null : latest;
  identity.dirty = true;
}

function updateDelivery(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
  disposition: Disposition,
  body: Pick<NewDelivery, 'identityId' | 'body' | 'bodyKeyId'>,
): void {
  const { id, provider, receivedAt } = row;
  const duplicateKey = toUniqueKey(unit, row, delivery);
  const known = { id, provider, duplicateKey, receivedAt, disposition };
  unit.deliveries.delete(pairKey(provider, row.duplicateKey));
  putDelivery(unit, unit.updatedDeliveries, known, delivery, body);
}
