/** Applies one delivery to the graph: keeps its bytes and its events, settles whom they concern, says what became of it. */

import { createHash } from 'node:crypto';
import { REPEAT_WINDOW_MS } from '../domain/attempt';
import type { CredentialEvent, VerificationEvent } from '../domain/event';
import { type Instant, instantOf } from '../domain/instant';
import { levelKey } from '../domain/level';
import type { ProjectionRules } from '../domain/projection';
import { byOccurrence, dateOf, type RecordedEvent } from '../domain/recorded-event';
import type { Disposition } from '../domain/status';
import { latestUndated, receiptOfAnswer } from './answers';
import {
  type Graph,
  type IdentityNode,
  isLaterWord,
  type KnownCredential,
  type KnownDelivery,
  type NewDelivery,
  nextId,
  noteLastWords,
  pairKey,
  type StoredEvent,
} from './graph';
import type { KeyRing } from './key-ring';
import type { Lookup } from './load-graph';
import { openIdentity, openUser } from './membership';
import { NO_BODY, sealBody } from './sealed-body';
import { type Occasion, settle } from './settle';
import type { IncomingDelivery, RecordOutcome } from './store';
import { isOfErased } from './tombstones';

type SubjectEvent = Exclude<VerificationEvent, CredentialEvent>;

/** What has to be in the graph before these deliveries are recorded. */
export function lookupFor(
  deliveries: readonly Pick<IncomingDelivery, 'provider' | 'reading'>[],
): Required<Omit<Lookup, 'userIds'>> {
  const lookup = {
    duplicates: [] as [string, string][],
    subjects: [] as [string, string][],
    externalUserIds: [] as string[],
    credentials: [] as [string, string][],
    lastWordsOf: [] as string[],
  };
  for (const delivery of deliveries) {
    const { provider, reading } = delivery;
    if (mayRecur(delivery) && !lookup.lastWordsOf.includes(provider)) {
      lookup.lastWordsOf.push(provider);
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
  graph: Graph,
  delivery: IncomingDelivery,
  keyRing: KeyRing,
  rules: ProjectionRules,
): RecordOutcome {
  const repeated = findRepeated(graph, delivery);
  if (repeated !== undefined) {
    graph.repeats.set(repeated.id, (graph.repeats.get(repeated.id) ?? 0) + 1);
    return {
      deliveryId: repeated.id,
      disposition: repeated.disposition,
      duplicate: true,
      changes: 0,
    };
  }

  const deliveryId = nextId(graph, 'deliveries');
  if (isOfErased(graph, delivery)) {
    keep(graph, deliveryId, asOfErased(deliveryId, delivery), 'IGNORED', NO_BODY);
    return { deliveryId, disposition: 'IGNORED', duplicate: false, changes: 0 };
  }
  const logged = graph.changes.length;
  const { disposition, identity } = applyReading(graph, deliveryId, delivery, keyRing, rules, {
    kind: 'DELIVERY',
    actor: null,
  });
  const sealed = sealBody(delivery.rawBody, identity, keyRing);
  keep(graph, deliveryId, delivery, disposition, {
    identityId: identity?.id ?? null,
    ...sealed,
  });
  return { deliveryId, disposition, duplicate: false, changes: graph.changes.length - logged };
}

/** What is kept of late news of somebody who was erased: that it came. */
export function asOfErased(deliveryId: number, delivery: IncomingDelivery): IncomingDelivery {
  const eventType = delivery.reading.eventType ?? '';
  const duplicateKey = storedKey(deliveryId, delivery);
  return { ...delivery, reading: { kind: 'IGNORED', eventType, duplicateKey }, subpath: '' };
}

// ── Repeats ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function findRepeated(graph: Graph, delivery: IncomingDelivery): KnownDelivery | undefined {
  const { provider, reading, receivedAt } = delivery;
  if (!mayRecur(delivery)) return graph.deliveries.get(pairKey(provider, reading.duplicateKey));
  // That the vendor still says so is news: it outdoes what was said before and arrives only later.
  if (delivery.trust === 'CONFIRMED') return undefined;

  const latest = graph.deliveriesById.get(wordBefore(graph, delivery));
  if (latest === undefined || !latest.duplicateKey.startsWith(`${reading.duplicateKey}@`))
    return undefined;
  const apartMs = Math.abs(receivedAt.getTime() - Date.parse(latest.receivedAt));
  return apartMs <= REPEAT_WINDOW_MS ? latest : undefined;
}

/**
 * Without a clock the same words again are a retry only if nothing else was said in between, and not for long. What
 * nobody could read may have been said of anybody: to keep a word too often does no harm, to lose one does.
 */
function wordBefore(graph: Graph, delivery: IncomingDelivery): number {
  const last = graph.lastWords.get(delivery.provider);
  if (delivery.reading.kind === 'QUARANTINED') return last?.recurring ?? 0;
  const own = subjectOf(graph, delivery)?.undatedDeliveryId ?? 0;
  return own > (last?.unread ?? 0) ? own : 0;
}

/** Whether the same words again may be news: nothing but their receipt says when they were said. */
function mayRecur({ reading }: Pick<IncomingDelivery, 'reading'>): boolean {
  switch (reading.kind) {
    case 'EVENTS':
      return reading.events.some((event) => event.occurredAt === undefined);
    case 'IGNORED':
      return false;
    case 'QUARANTINED':
      return reading.mayRecur ?? false;
  }
}

function subjectOf(
  graph: Graph,
  { provider, reading }: IncomingDelivery,
): IdentityNode | undefined {
  const subject = reading.kind === 'EVENTS' ? reading.events.find(isAboutSubject) : undefined;
  return subject && graph.identities.get(pairKey(provider, subject.subjectRef));
}

/** The key under which the row is kept: unique, also where the vendor's own words come back. */
export function storedKey(deliveryId: number, delivery: Pick<IncomingDelivery, 'reading'>): string {
  const { duplicateKey } = delivery.reading;
  return mayRecur(delivery) ? `${duplicateKey}@${deliveryId}` : duplicateKey;
}

// ── News ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Application {
  readonly disposition: Disposition;
  /** Whose key the body belongs under. */
  readonly identity: IdentityNode | null;
}

/** What a delivery leaves behind of what it said before, when it is read again. */
export interface Forgotten {
  /** Whom it concerned. */
  readonly identities: ReadonlySet<IdentityNode>;
  /** Receipts of its words without a clock, by their place in it. */
  readonly receipts: ReadonlyMap<number, Instant>;
}

const NOTHING: Forgotten = { identities: new Set(), receipts: new Map() };

export function applyReading(
  graph: Graph,
  deliveryId: number,
  delivery: IncomingDelivery,
  keyRing: KeyRing,
  rules: ProjectionRules,
  cause: Pick<Occasion, 'kind' | 'actor'>,
  forgotten = NOTHING,
): Application {
  const { reading } = delivery;
  const about = new Set<IdentityNode>();
  const added: { readonly identity: IdentityNode; readonly event: StoredEvent }[] = [];
  let opened = false;
  let credentialNews = false;

  if (reading.kind === 'EVENTS') {
    const keyOf = eventKeys(deliveryId, delivery);
    reading.events.forEach((event, place) => {
      if (event.type === 'CREDENTIAL') {
        credentialNews = addCredential(graph, deliveryId, delivery, event) || credentialNews;
        return;
      }
      const known = graph.identities.get(pairKey(delivery.provider, event.subjectRef));
      const identity = known ?? openFor(graph, delivery, event, keyRing, rules.now);
      opened ||= known === undefined;
      about.add(identity);
      const eventKey = keyOf(place);
      if (identity.events.some((held) => held.key === eventKey)) return;
      const receivedAt =
        (event.occurredAt === undefined ? forgotten.receipts.get(place) : undefined) ??
        receiptOf(identity, event, delivery, deliveryId);
      added.push({
        identity,
        event: addEvent(graph, identity, deliveryId, delivery, event, eventKey, receivedAt),
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
  const { changed } = settle(graph, { identities }, occasion, rules);
  const [identity = null] = about;
  if (reading.kind !== 'EVENTS') return { disposition: reading.kind, identity: null };
  if (changed || opened || credentialNews || isProfileNews(added)) {
    return { disposition: 'APPLIED', identity };
  }
  return { disposition: added.some(isLate) ? 'STALE' : 'UNCHANGED', identity };
}

/** @returns the key of the event at a place of the delivery. */
export function eventKeys(
  deliveryId: number,
  delivery: Pick<IncomingDelivery, 'provider' | 'reading'>,
): (place: number) => string {
  const { provider, reading } = delivery;
  const events = reading.kind === 'EVENTS' ? reading.events : [];
  const beginning = `${provider} ${digestOf(events)} ${storedKey(deliveryId, delivery)}`;
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

function isAboutSubject(event: VerificationEvent): event is SubjectEvent {
  return event.type !== 'CREDENTIAL';
}

function openFor(
  graph: Graph,
  { provider }: IncomingDelivery,
  { subjectRef, externalUserId }: SubjectEvent,
  keyRing: KeyRing,
  now: Date,
): IdentityNode {
  const named =
    externalUserId === undefined ? undefined : graph.usersByExternalId.get(externalUserId);
  const user = named ?? openUser(graph, externalUserId ?? null, now);
  return openIdentity(graph, { provider, subjectRef }, user, keyRing, now);
}

function addEvent(
  graph: Graph,
  identity: IdentityNode,
  deliveryId: number,
  delivery: IncomingDelivery,
  event: SubjectEvent,
  key: string,
  receivedAt: Instant,
): StoredEvent {
  const personal = event.type === 'PROFILE' ? event.profile : null;
  const stored: StoredEvent = {
    id: nextId(graph, 'events'),
    key,
    deliveryId,
    receivedAt,
    trust: delivery.trust,
    event: withoutPersonal(event),
  };
  identity.events.push(stored);
  graph.newEvents.push({
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
  const receipt = instantOf(receivedAt);
  if (event.occurredAt !== undefined) return receipt;
  if (trust === 'CONFIRMED') return receiptOfAnswer(identity, deliveryId, receivedAt);
  const millisecond = receipt.slice(0, 23);
  const before = identity.events.filter(
    (held) => held.event.occurredAt === undefined && held.receivedAt.startsWith(millisecond),
  ).length;
  return `${millisecond}${String(before).padStart(6, '0')}Z`;
}

/** Every word is kept, and the latest is read: so it does not matter which came first. */
function addCredential(
  graph: Graph,
  deliveryId: number,
  { provider, receivedAt }: IncomingDelivery,
  event: CredentialEvent,
): boolean {
  const { credentialRef } = event;
  const key = pairKey(provider, credentialRef);
  const held = graph.credentials.get(key);
  const twice = graph.newCredentials.some(
    (word) => word.deliveryId === deliveryId && word.credentialRef === credentialRef,
  );
  if (twice) return false;
  const word: KnownCredential = {
    holderRef: event.subjectRef,
    issuedAt: event.occurredAt ?? instantOf(receivedAt),
  };
  const id = nextId(graph, 'credentials');
  graph.newCredentials.push({ ...word, id, provider, credentialRef, deliveryId });
  const news = held === undefined || isLaterWord(word, held);
  if (news) graph.credentials.set(key, word);
  return news;
}

function dateOfNews(
  { receivedAt }: IncomingDelivery,
  added: readonly { readonly event: RecordedEvent }[],
): Instant {
  return (
    added
      .map(({ event }) => dateOf(event))
      .sort()
      .at(-1) ?? instantOf(receivedAt)
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
  return identity.events.some(
    (held) =>
      topicOf(held) === topic &&
      held.deliveryId !== event.deliveryId &&
      byOccurrence(held, event) > 0,
  );
}

function topicOf({ event }: RecordedEvent): string {
  return 'level' in event ? levelKey('', event.level) : event.type;
}

// ── Bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function keep(
  graph: Graph,
  id: number,
  delivery: IncomingDelivery,
  disposition: Disposition,
  body: Pick<NewDelivery, 'identityId' | 'body' | 'bodyKeyId'>,
): void {
  const { provider, receivedAt, subpath, trust, reading } = delivery;
  const known: KnownDelivery = {
    id,
    provider,
    duplicateKey: storedKey(id, delivery),
    receivedAt: receivedAt.toISOString(),
    disposition,
  };
  graph.deliveries.set(pairKey(provider, known.duplicateKey), known);
  graph.deliveriesById.set(id, known);
  noteLastWords(graph, provider, {
    recurring: mayRecur(delivery) ? id : 0,
    unread: disposition === 'QUARANTINED' ? id : 0,
  });
  graph.newDeliveries.push({
    ...known,
    trust,
    reason: reading.kind === 'QUARANTINED' ? reading.reason : null,
    eventType: reading.eventType,
    subpath,
    ...body,
  });
}
