/** Applies the events of a delivery: adds them to their identities, reprojects the users and returns the disposition. */

import { createHash } from 'node:crypto';
import type { IncomingDelivery } from '../domain/delivery';
import type { CredentialEvent, VerificationEvent } from '../domain/event';
import { byOccurrence, getEffectiveDate, type RecordedEvent } from '../domain/fold/recorded-event';
import type { ProjectionRules } from '../domain/fold/user';
import { type Instant, toInstantText } from '../domain/instant';
import { levelKey } from '../domain/level';
import type { Disposition } from '../domain/status';
import type { KeyRing } from '../encryption/key-ring';
import type { ChangeContext } from './change-entries';
import { toStoredKey } from './deduplicate';
import { findLatestUndatedDelivery, getReceiptTime } from './receipt-time';
import { reproject } from './reproject';
import {
  addEvent,
  getFold,
  type IdentityNode,
  isLaterCredential,
  type KnownCredential,
  nextId,
  pairKey,
  ROW_BYTES,
  type StoredEvent,
  type UnitOfWork,
} from './unit-of-work';
import { createIdentity, createUser } from './users';

export interface Application {
  readonly deliveryId: number;
  readonly delivery: IncomingDelivery;
  readonly keyRing: KeyRing;
  readonly rules: ProjectionRules;
  readonly cause: Pick<ChangeContext, 'kind' | 'actor'>;
  /** Previous events of a replayed delivery, already removed from their identities. */
  readonly previous?: PreviousEvents;
}

export interface PreviousEvents {
  readonly identities: ReadonlySet<IdentityNode>;
  /** Times of receipt of the events without a provider timestamp, by their position in the delivery. */
  readonly receivedAt: ReadonlyMap<number, Instant>;
}

export interface ApplyResult {
  readonly disposition: Disposition;
  /** Identity whose data key encrypts the body. `null` for the master key. */
  readonly identity: IdentityNode | null;
}

export function applyEvents(unit: UnitOfWork, application: Application): ApplyResult {
  const { delivery, deliveryId, cause, rules, previous } = application;
  const added = addEvents(unit, application);
  const context = { ...cause, deliveryId, occurredAt: getLatestDate(delivery, added.events) };
  const identities = new Set([...added.identities, ...(previous?.identities ?? [])]);
  const changesBefore = unit.changes.length;
  const isChanged = reproject(unit, { identities }, context, rules);

  if (delivery.reading.kind !== 'EVENTS') {
    return { disposition: delivery.reading.kind, identity: null };
  }
  const [identity = null] = added.identities;
  const hasNewState = added.createdIdentity || added.updatedCredential;
  if (unit.changes.length > changesBefore || hasNewState || isCurrentProfile(added.events)) {
    return { disposition: 'APPLIED', identity };
  }
  // A late event may still move the start of an attempt. The user's state is the same, so this is not a change.
  if (added.events.some(isLate)) return { disposition: 'STALE', identity };
  return { disposition: isChanged ? 'APPLIED' : 'UNCHANGED', identity };
}

// ── Event keys ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns a function from the position of an event in the delivery to its key. */
export function createEventKeys(
  deliveryId: number,
  delivery: Pick<IncomingDelivery, 'provider' | 'reading'>,
): (position: number) => string {
  const { provider, reading } = delivery;
  const events = reading.kind === 'EVENTS' ? reading.events : [];
  const prefix = `${provider} ${createDigest(events)} ${toStoredKey(deliveryId, delivery)}`;
  return (position) => `${prefix} ${position}`;
}

/** Comes first in the key: the content then orders events with equal timestamps, in the same way in every database. */
function createDigest(events: readonly VerificationEvent[]): string {
  const content = JSON.stringify(events.map(withoutPersonal));
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

function withoutPersonal<Event extends VerificationEvent>(event: Event): Event {
  return event.type === 'PROFILE' ? { ...event, profile: {} } : event;
}

// ── Adding events ───────────────────────────────────────────────────────────────────────────────────────────────────

type SubjectEvent = Exclude<VerificationEvent, CredentialEvent>;

interface AddedEvent {
  readonly identity: IdentityNode;
  readonly event: StoredEvent;
}

interface AddedEvents {
  readonly identities: Set<IdentityNode>;
  readonly events: AddedEvent[];
  createdIdentity: boolean;
  updatedCredential: boolean;
}

function addEvents(unit: UnitOfWork, application: Application): AddedEvents {
  const { deliveryId, delivery, keyRing, rules } = application;
  const { provider, reading } = delivery;
  const added: AddedEvents = {
    identities: new Set(),
    events: [],
    createdIdentity: false,
    updatedCredential: false,
  };
  if (reading.kind !== 'EVENTS') return added;
  const toKey = createEventKeys(deliveryId, delivery);
  for (const [position, event] of reading.events.entries()) {
    if (event.type === 'CREDENTIAL') {
      if (addCredential(unit, deliveryId, delivery, event)) added.updatedCredential = true;
      continue;
    }
    const known = unit.identities.get(pairKey(provider, event.subjectRef));
    const identity = known ?? createIdentityFor(unit, provider, event, keyRing, rules.now);
    if (known === undefined) added.createdIdentity = true;
    added.identities.add(identity);
    const key = toKey(position);
    if (getFold(identity).has(key)) continue;
    const stored = storeEvent(unit, application, identity, event, { key, position });
    added.events.push({ identity, event: stored });
  }
  return added;
}

function createIdentityFor(
  unit: UnitOfWork,
  provider: string,
  { subjectRef, externalUserId }: SubjectEvent,
  keyRing: KeyRing,
  now: Date,
): IdentityNode {
  const owner =
    externalUserId === undefined ? undefined : unit.usersByExternalId.get(externalUserId);
  const user = owner ?? createUser(unit, externalUserId ?? null, now);
  return createIdentity(unit, { provider, subjectRef }, user, keyRing, now);
}

function storeEvent(
  unit: UnitOfWork,
  { deliveryId, delivery, previous }: Application,
  identity: IdentityNode,
  event: SubjectEvent,
  { key, position }: { readonly key: string; readonly position: number },
): StoredEvent {
  const isUndated = event.occurredAt === undefined;
  const receivedAt =
    (isUndated ? previous?.receivedAt.get(position) : undefined) ??
    getReceiptTime(identity, event, delivery, deliveryId);
  const stored: StoredEvent = {
    id: nextId(unit, 'events'),
    key,
    deliveryId,
    receivedAt,
    trust: delivery.trust,
    event: withoutPersonal(event),
  };
  addEvent(identity, stored);
  unit.bytes += ROW_BYTES + JSON.stringify(stored.event).length;
  unit.newEvents.push({
    event: stored,
    identityId: identity.id,
    personal: event.type === 'PROFILE' ? event.profile : null,
    cipher: identity.cipher,
  });
  if (isUndated) {
    identity.undatedDeliveryId =
      delivery.trust === 'CONFIRMED'
        ? findLatestUndatedDelivery(identity)
        : Math.max(identity.undatedDeliveryId ?? 0, deliveryId);
    identity.dirty = true;
  }
  return stored;
}

/**
 * Stores every event about the credential and keeps the latest as current, so the order of arrival does not matter.
 *
 * @returns Whether the current state of the credential changed.
 */
function addCredential(
  unit: UnitOfWork,
  deliveryId: number,
  { provider, receivedAt }: IncomingDelivery,
  event: CredentialEvent,
): boolean {
  const { credentialRef } = event;
  const isRepeated = unit.newCredentials.some(
    (added) => added.deliveryId === deliveryId && added.credentialRef === credentialRef,
  );
  if (isRepeated) return false;
  const credential: KnownCredential = {
    holderRef: event.subjectRef,
    issuedAt: event.occurredAt ?? toInstantText(receivedAt),
  };
  const id = nextId(unit, 'credentials');
  unit.newCredentials.push({ ...credential, id, provider, credentialRef, deliveryId });
  const key = pairKey(provider, credentialRef);
  const known = unit.credentials.get(key);
  if (known !== undefined && !isLaterCredential(credential, known)) return false;
  unit.credentials.set(key, credential);
  return true;
}

// ── Disposition ─────────────────────────────────────────────────────────────────────────────────────────────────────

function getLatestDate({ receivedAt }: IncomingDelivery, added: readonly AddedEvent[]): Instant {
  const dates = added.map(({ event }) => getEffectiveDate(event)).sort();
  return dates.at(-1) ?? toInstantText(receivedAt);
}

/** Whether the delivery contains only profiles, and one of them is the latest of its identity. */
function isCurrentProfile(added: readonly AddedEvent[]): boolean {
  const hasOnlyProfiles = added.every(({ event }) => event.event.type === 'PROFILE');
  return hasOnlyProfiles && added.some((one) => !isLate(one));
}

/** Whether a later event of the same topic was already known. */
function isLate({ identity, event }: AddedEvent): boolean {
  const topic = getTopic(event);
  for (const known of getFold(identity).newestFirst()) {
    if (byOccurrence(known, event) <= 0) return false;
    if (getTopic(known) === topic && known.deliveryId !== event.deliveryId) return true;
  }
  return false;
}

function getTopic({ event }: RecordedEvent): string {
  return 'level' in event ? levelKey('', event.level) : event.type;
}
