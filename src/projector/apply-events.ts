/** Applies to the unit of work what a delivery says: keeps its events, settles whom they concern, says what became of it. */

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
import { reproject } from './reproject';
import { latestUndated, responseReceiptTime } from './status-responses';
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

type SubjectEvent = Exclude<VerificationEvent, CredentialEvent>;

export interface ApplyResult {
  readonly disposition: Disposition;
  /** Whose key the body belongs under. */
  readonly identity: IdentityNode | null;
}

/** What a delivery leaves behind of what it said before, when it is read again. */
export interface PreviousReading {
  /** Whom it concerned. */
  readonly identities: ReadonlySet<IdentityNode>;
  /** Receipts of its words without a clock, by their place in it. */
  readonly receivedAt: ReadonlyMap<number, Instant>;
}

const NOTHING: PreviousReading = { identities: new Set(), receivedAt: new Map() };

export function applyEvents(
  unit: UnitOfWork,
  deliveryId: number,
  delivery: IncomingDelivery,
  keyRing: KeyRing,
  rules: ProjectionRules,
  cause: Pick<ChangeContext, 'kind' | 'actor'>,
  forgotten = NOTHING,
): ApplyResult {
  const { reading } = delivery;
  const about = new Set<IdentityNode>();
  const added: { readonly identity: IdentityNode; readonly event: StoredEvent }[] = [];
  let opened = false;
  let credentialNews = false;

  if (reading.kind === 'EVENTS') {
    const keyOf = eventKeys(deliveryId, delivery);
    reading.events.forEach((event, place) => {
      if (event.type === 'CREDENTIAL') {
        credentialNews = addCredential(unit, deliveryId, delivery, event) || credentialNews;
        return;
      }
      const known = unit.identities.get(pairKey(delivery.provider, event.subjectRef));
      const identity = known ?? openFor(unit, delivery, event, keyRing, rules.now);
      opened ||= known === undefined;
      about.add(identity);
      const eventKey = keyOf(place);
      if (getFold(identity).has(eventKey)) return;
      const receivedAt =
        (event.occurredAt === undefined ? forgotten.receivedAt.get(place) : undefined) ??
        receiptOf(identity, event, delivery, deliveryId);
      added.push({
        identity,
        event: storeEvent(unit, identity, deliveryId, delivery, event, eventKey, receivedAt),
      });
      if (event.occurredAt === undefined) {
        identity.undatedDeliveryId =
          delivery.trust === 'CONFIRMED'
            ? latestUndated(identity)
            : Math.max(identity.undatedDeliveryId ?? 0, deliveryId);
        identity.dirty = true;
      }
    });
  }

  const occasion = { ...cause, deliveryId, occurredAt: dateOfNews(delivery, added) };
  const identities = new Set([...about, ...forgotten.identities]);
  const logged = unit.changes.length;
  const changed = reproject(unit, { identities }, occasion, rules);
  const [identity = null] = about;
  if (reading.kind !== 'EVENTS') return { disposition: reading.kind, identity: null };
  if (unit.changes.length > logged || opened || credentialNews || isProfileNews(added)) {
    return { disposition: 'APPLIED', identity };
  }
  // A late event may still move the beginning of an attempt: that is no change of anything the user has.
  if (added.some(isLate)) return { disposition: 'STALE', identity };
  return { disposition: changed ? 'APPLIED' : 'UNCHANGED', identity };
}

/** @returns the key of the event at a place of the delivery. */
export function eventKeys(
  deliveryId: number,
  delivery: Pick<IncomingDelivery, 'provider' | 'reading'>,
): (place: number) => string {
  const { provider, reading } = delivery;
  const events = reading.kind === 'EVENTS' ? reading.events : [];
  const beginning = `${provider} ${digestOf(events)} ${toStoredKey(deliveryId, delivery)}`;
  return (place) => `${beginning} ${place}`;
}

/** First in the key of an event, so that what orders events of one instant is what they say, in every database alike. */
function digestOf(events: readonly VerificationEvent[]): string {
  const content = JSON.stringify(events.map(withoutPersonal));
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

function withoutPersonal<Event extends VerificationEvent>(event: Event): Event {
  return event.type === 'PROFILE' ? { ...event, profile: {} } : event;
}

function openFor(
  unit: UnitOfWork,
  { provider }: IncomingDelivery,
  { subjectRef, externalUserId }: SubjectEvent,
  keyRing: KeyRing,
  now: Date,
): IdentityNode {
  const named =
    externalUserId === undefined ? undefined : unit.usersByExternalId.get(externalUserId);
  const user = named ?? createUser(unit, externalUserId ?? null, now);
  return createIdentity(unit, { provider, subjectRef }, user, keyRing, now);
}

function storeEvent(
  unit: UnitOfWork,
  identity: IdentityNode,
  deliveryId: number,
  delivery: IncomingDelivery,
  event: SubjectEvent,
  key: string,
  receivedAt: Instant,
): StoredEvent {
  const personal = event.type === 'PROFILE' ? event.profile : null;
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
    personal,
    cipher: identity.cipher,
  });
  return stored;
}

/**
 * Receipts of news without a clock keep their order also within one millisecond: it is the only order there is. An answer
 * stands where its question was asked.
 */
function receiptOf(
  identity: IdentityNode,
  event: VerificationEvent,
  { receivedAt, trust }: IncomingDelivery,
  deliveryId: number,
): Instant {
  const receipt = toInstantText(receivedAt);
  if (event.occurredAt !== undefined) return receipt;
  if (trust === 'CONFIRMED') return responseReceiptTime(identity, deliveryId, receivedAt);
  const millisecond = receipt.slice(0, 23);
  let before = 0;
  for (const held of getFold(identity).newestFirst()) {
    if (getEffectiveDate(held) < millisecond) break;
    if (held.event.occurredAt === undefined && held.receivedAt.startsWith(millisecond)) before += 1;
  }
  return `${millisecond}${String(before).padStart(6, '0')}Z`;
}

/** Every word is kept, and the latest is read: so it does not matter which came first. */
function addCredential(
  unit: UnitOfWork,
  deliveryId: number,
  { provider, receivedAt }: IncomingDelivery,
  event: CredentialEvent,
): boolean {
  const { credentialRef } = event;
  const key = pairKey(provider, credentialRef);
  const held = unit.credentials.get(key);
  const twice = unit.newCredentials.some(
    (word) => word.deliveryId === deliveryId && word.credentialRef === credentialRef,
  );
  if (twice) return false;
  const word: KnownCredential = {
    holderRef: event.subjectRef,
    issuedAt: event.occurredAt ?? toInstantText(receivedAt),
  };
  const id = nextId(unit, 'credentials');
  unit.newCredentials.push({ ...word, id, provider, credentialRef, deliveryId });
  const news = held === undefined || isLaterCredential(word, held);
  if (news) unit.credentials.set(key, word);
  return news;
}

function dateOfNews(
  { receivedAt }: IncomingDelivery,
  added: readonly { readonly event: RecordedEvent }[],
): Instant {
  return (
    added
      .map(({ event }) => getEffectiveDate(event))
      .sort()
      .at(-1) ?? toInstantText(receivedAt)
  );
}

/** A delivery about nothing but the profile is news if it is the latest such word. */
function isProfileNews(added: readonly { identity: IdentityNode; event: StoredEvent }[]): boolean {
  const profiles = added.every(({ event }) => event.event.type === 'PROFILE');
  return profiles && added.some((news) => !isLate(news));
}

/** Whether something later was already known about the same thing. */
function isLate({ identity, event }: { identity: IdentityNode; event: StoredEvent }): boolean {
  const topic = topicOf(event);
  for (const held of getFold(identity).newestFirst()) {
    if (byOccurrence(held, event) <= 0) return false;
    if (topicOf(held) === topic && held.deliveryId !== event.deliveryId) return true;
  }
  return false;
}

function topicOf({ event }: RecordedEvent): string {
  return 'level' in event ? levelKey('', event.level) : event.type;
}
