/**
 * The part of the data that one transaction touches, in memory: users with their identities, events, attempts and
 * levels. It is loaded in one statement, changed by plain code, and saved in one. It outlives its transaction only while
 * nobody else writes.
 */

import type { Change } from '../domain/change';
import type { QuarantineReason } from '../domain/delivery';
import type { AccountState, Profile } from '../domain/event';
import { IdentityFold, type NumberedAttempt } from '../domain/fold/identity';
import type { RecordedEvent } from '../domain/fold/recorded-event';
import type { Blocker } from '../domain/fold/user';
import type { Instant } from '../domain/instant';
import type { LevelKey, LevelKind, ProviderId, SubjectKind } from '../domain/level';
import type { HeldLevel } from '../domain/policy';
import type { Disposition, Trust, VerificationStatus } from '../domain/status';
import type { Cipher, WrappedKey } from '../encryption/key-ring';

export interface UserNode {
  readonly id: number;
  externalUserId: string | null;
  mergedInto: number | null;
  /** Since then the user is a record that nothing changes any more. */
  readonly erasedAt: string | null;
  kind: SubjectKind;
  verificationStatus: VerificationStatus;
  statusSince: Instant | null;
  expiresAt: Instant | null;
  active: boolean;
  readonly createdAt: string;
  updatedAt: string;
  readonly identities: Set<IdentityNode>;
  readonly levels: Map<LevelKey, LevelNode>;
  /** Final rejections that block approvals at other levels, by the level of the rejection. Known once projected. */
  readonly blockers: Map<LevelKey, Blocker>;
  /** Whether every level is to be projected again, not only those about which there are new events. */
  stale: boolean;
  /** To be saved. */
  dirty: boolean;
}

export interface IdentityNode {
  readonly id: number;
  user: UserNode;
  readonly provider: ProviderId;
  readonly subjectRef: string;
  externalUserId: string | null;
  kind: SubjectKind;
  state: AccountState;
  linked: boolean;
  undatedDeliveryId: number | null;
  readonly createdAt: string;
  /** In no order. Additions go through `keepEvent`, removals through `dropEvents`. */
  events: StoredEvent[];
  /** What they add up to; made when first asked for. See `foldOf`. */
  fold: IdentityFold<StoredEvent> | null;
  /** Number of leading events whose users are known to be there. */
  named: number;
  /** In the order of their numbers. */
  readonly attempts: Map<LevelKey, AttemptNode[]>;
  /** @throws if its key was destroyed. */
  readonly cipher: () => Cipher;
  dirty: boolean;
  /** Belongs to another user than when it was loaded. */
  moved: boolean;
}

/** The data key of an identity, written once. */
export interface NewKey extends WrappedKey {
  readonly identityId: number;
}

export interface StoredEvent extends RecordedEvent {
  readonly id: number;
  readonly deliveryId: number;
}

export interface AttemptNode extends NumberedAttempt {
  readonly id: number;
}

export interface LevelNode extends HeldLevel {
  readonly latestAttemptId: number;
}

export interface KnownDelivery {
  readonly id: number;
  readonly provider: ProviderId;
  readonly duplicateKey: string;
  readonly receivedAt: string;
  readonly disposition: Disposition;
}

export interface NewDelivery extends KnownDelivery {
  readonly trust: Trust;
  readonly reason: QuarantineReason | null;
  readonly eventType: string | null;
  readonly subpath: string;
  readonly identityId: number | null;
  readonly body: Buffer;
  readonly bodyKeyId: string | null;
}

export interface NewEvent {
  readonly event: StoredEvent;
  readonly identityId: number;
  readonly personal: Profile | null;
  readonly cipher: () => Cipher;
}

/** The latest word about a credential. */
export interface KnownCredential {
  readonly holderRef: string;
  readonly issuedAt: Instant;
}

/** What one delivery says about a credential. */
export interface NewCredential extends KnownCredential {
  readonly id: number;
  readonly provider: ProviderId;
  readonly credentialRef: string;
  readonly deliveryId: number;
}

export const TABLES = [
  'users',
  'identities',
  'attempts',
  'deliveries',
  'events',
  'credentials',
  'changes',
] as const;
export type Table = (typeof TABLES)[number];

export interface UnitOfWork {
  readonly users: Map<number, UserNode>;
  /** Live users, also by the external ids of those merged into them. */
  readonly usersByExternalId: Map<string, UserNode>;
  /** External ids that were looked for, found or not. */
  readonly askedExternalIds: Set<string>;
  readonly identities: Map<string, IdentityNode>;
  /** By `pairKey(provider, duplicateKey)`. */
  readonly deliveries: Map<string, KnownDelivery>;
  readonly deliveriesById: Map<number, KnownDelivery>;
  /** Per provider, the ids of its last delivery that may recur and of its last that could not be read; 0 for none. */
  readonly lastWords: Map<ProviderId, { readonly recurring: number; readonly unread: number }>;
  /** By `pairKey(provider, credentialRef)`. */
  readonly credentials: Map<string, KnownCredential>;
  /** Highest id in use, per table. */
  readonly lastIds: Record<Table, number>;

  /** Approximate weight of the events and attempts in it, as JSON. */
  bytes: number;

  /** Whether anybody was ever erased. */
  anyErased: boolean;
  /** When those were erased who are spoken of again; see `tombstones.ts`. */
  readonly tombstones: Map<string, Date>;
  /** Of whom it is known whether they are among them. */
  readonly askedTombstones: Set<string>;
  /** External ids that events name which were loaded since it was last asked. */
  readonly named: Set<string>;

  readonly newKeys: NewKey[];
  readonly repeats: Map<number, number>;
  readonly levels: Map<LevelKey, { readonly kind: LevelKind }>;
  readonly dirtyAttempts: Map<
    number,
    { readonly attempt: AttemptNode; readonly identity: IdentityNode }
  >;
  readonly goneAttempts: Set<number>;
  readonly dirtyLevels: Map<string, { readonly userId: number; readonly levelKey: LevelKey }>;
  readonly newDeliveries: NewDelivery[];
  /** Kept before, read otherwise now. */
  readonly rewrittenDeliveries: NewDelivery[];
  readonly newEvents: NewEvent[];
  readonly goneEvents: number[];
  readonly newCredentials: NewCredential[];
  readonly goneCredentials: Set<number>;
  readonly changes: Change[];
}

export function createUnitOfWork(): UnitOfWork {
  return {
    users: new Map(),
    usersByExternalId: new Map(),
    askedExternalIds: new Set(),
    identities: new Map(),
    deliveries: new Map(),
    deliveriesById: new Map(),
    lastWords: new Map(),
    credentials: new Map(),
    lastIds: {
      users: 0,
      identities: 0,
      attempts: 0,
      deliveries: 0,
      events: 0,
      credentials: 0,
      changes: 0,
    },
    bytes: 0,
    anyErased: false,
    tombstones: new Map(),
    askedTombstones: new Set(),
    named: new Set(),
    newKeys: [],
    repeats: new Map(),
    levels: new Map(),
    dirtyAttempts: new Map(),
    goneAttempts: new Set(),
    dirtyLevels: new Map(),
    newDeliveries: [],
    rewrittenDeliveries: [],
    newEvents: [],
    goneEvents: [],
    newCredentials: [],
    goneCredentials: new Set(),
    changes: [],
  };
}

export function getFold(identity: IdentityNode): IdentityFold<StoredEvent> {
  identity.fold ??= new IdentityFold(identity.provider, identity.events);
  return identity.fold;
}

export function keepEvent(identity: IdentityNode, event: StoredEvent): void {
  getFold(identity).add(event);
  identity.events.push(event);
}

export function dropEvents(identity: IdentityNode, deliveryId: number): void {
  identity.events = identity.events.filter((event) => event.deliveryId !== deliveryId);
  identity.fold = null;
  identity.named = 0;
  identity.user.stale = true;
}

export function pairKey(provider: ProviderId, ref: string): string {
  return `${provider} ${ref}`;
}

/** One writer at a time, so ids are ours to give: rows can point at each other before any is saved. */
export function nextId(graph: UnitOfWork, table: Table): number {
  graph.lastIds[table] += 1;
  return graph.lastIds[table];
}

/** News of what was last kept of the provider's words; what is known already is not made older. */
export function recordLastEvents(
  { lastWords }: UnitOfWork,
  provider: ProviderId,
  { recurring, unread }: { readonly recurring: number; readonly unread: number },
): void {
  const known = lastWords.get(provider) ?? { recurring: 0, unread: 0 };
  lastWords.set(provider, {
    recurring: Math.max(known.recurring, recurring),
    unread: Math.max(known.unread, unread),
  });
}

/** Once they are on their way to the disk: the graph is as the data will be. */
export function forgetChanges(graph: UnitOfWork): void {
  for (const user of graph.users.values()) user.dirty = false;
  for (const identity of graph.identities.values()) {
    identity.dirty = false;
    identity.moved = false;
  }
  for (const changed of [
    graph.repeats,
    graph.levels,
    graph.dirtyAttempts,
    graph.goneAttempts,
    graph.dirtyLevels,
    graph.goneCredentials,
  ]) {
    changed.clear();
  }
  for (const added of [
    graph.newKeys,
    graph.newDeliveries,
    graph.rewrittenDeliveries,
    graph.newEvents,
    graph.goneEvents,
    graph.newCredentials,
    graph.changes,
  ]) {
    added.length = 0;
  }
}

/** Once they are on the disk, where they are looked up. One that may recur stays: the next one is compared with it. */
export function forgetDeliveries(graph: UnitOfWork, written: readonly KnownDelivery[]): void {
  for (const { id, provider, duplicateKey } of written) {
    if (duplicateKey.includes('@')) continue;
    graph.deliveries.delete(pairKey(provider, duplicateKey));
    graph.deliveriesById.delete(id);
  }
}

/** By the vendor's clock; of two at one instant, one and the same in every order. */
export function isLaterCredential(word: KnownCredential, held: KnownCredential): boolean {
  if (word.issuedAt !== held.issuedAt) return word.issuedAt > held.issuedAt;
  return word.holderRef > held.holderRef;
}

/** Weight of a row in addition to its JSON, in bytes. */
export const ROW_BYTES = 256;
