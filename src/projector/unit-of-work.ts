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
import type { LevelResult } from '../domain/policy';
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
  resolvedEvents: number;
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

export interface LevelNode extends LevelResult {
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
  readonly checkedExternalIds: Set<string>;
  readonly identities: Map<string, IdentityNode>;
  /** By `pairKey(provider, duplicateKey)`. */
  readonly deliveries: Map<string, KnownDelivery>;
  readonly deliveriesById: Map<number, KnownDelivery>;
  /** Per provider, the ids of its last delivery that may recur and of its last that could not be read; 0 for none. */
  readonly lastDeliveries: Map<ProviderId, { readonly recurring: number; readonly unread: number }>;
  /** By `pairKey(provider, credentialRef)`. */
  readonly credentials: Map<string, KnownCredential>;
  /** Highest id in use, per table. */
  readonly lastIds: Record<Table, number>;

  /** Approximate weight of the events and attempts in it, as JSON. */
  bytes: number;

  /** Whether anybody was ever erased. */
  hasErasures: boolean;
  /** When those were erased who are spoken of again; see `tombstones.ts`. */
  readonly tombstones: Map<string, Date>;
  /** Of whom it is known whether they are among them. */
  readonly checkedTombstones: Set<string>;
  /** External ids that events name which were loaded since it was last asked. */
  readonly referencedExternalIds: Set<string>;

  readonly newKeys: NewKey[];
  readonly duplicateCounts: Map<number, number>;
  readonly levels: Map<LevelKey, { readonly kind: LevelKind }>;
  readonly dirtyAttempts: Map<
    number,
    { readonly attempt: AttemptNode; readonly identity: IdentityNode }
  >;
  readonly deletedAttempts: Set<number>;
  readonly dirtyLevels: Map<string, { readonly userId: number; readonly levelKey: LevelKey }>;
  readonly newDeliveries: NewDelivery[];
  /** Kept before, read otherwise now. */
  readonly updatedDeliveries: NewDelivery[];
  readonly newEvents: NewEvent[];
  readonly deletedEvents: number[];
  readonly newCredentials: NewCredential[];
  readonly deletedCredentials: Set<number>;
  readonly changes: Change[];
}

export function createUnitOfWork(): UnitOfWork {
  return {
    users: new Map(),
    usersByExternalId: new Map(),
    checkedExternalIds: new Set(),
    identities: new Map(),
    deliveries: new Map(),
    deliveriesById: new Map(),
    lastDeliveries: new Map(),
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
    hasErasures: false,
    tombstones: new Map(),
    checkedTombstones: new Set(),
    referencedExternalIds: new Set(),
    newKeys: [],
    duplicateCounts: new Map(),
    levels: new Map(),
    dirtyAttempts: new Map(),
    deletedAttempts: new Set(),
    dirtyLevels: new Map(),
    newDeliveries: [],
    updatedDeliveries: [],
    newEvents: [],
    deletedEvents: [],
    newCredentials: [],
    deletedCredentials: new Set(),
    changes: [],
  };
}

export function getFold(identity: IdentityNode): IdentityFold<StoredEvent> {
  identity.fold ??= new IdentityFold(identity.provider, identity.events);
  return identity.fold;
}

export function addEvent(identity: IdentityNode, event: StoredEvent): void {
  getFold(identity).add(event);
  identity.events.push(event);
}

export function removeEvents(identity: IdentityNode, deliveryId: number): void {
  identity.events = identity.events.filter((event) => event.deliveryId !== deliveryId);
  identity.fold = null;
  identity.resolvedEvents = 0;
  identity.user.stale = true;
}

export function pairKey(provider: ProviderId, ref: string): string {
  return `${provider} ${ref}`;
}

/** One writer at a time, so ids are ours to give: rows can point at each other before any is saved. */
export function nextId(unit: UnitOfWork, table: Table): number {
  unit.lastIds[table] += 1;
  return unit.lastIds[table];
}

/** News of what was last kept of the provider's words; what is known already is not made older. */
export function updateLastDeliveries(
  { lastDeliveries: lastWords }: UnitOfWork,
  provider: ProviderId,
  { recurring, unread }: { readonly recurring: number; readonly unread: number },
): void {
  const known = lastWords.get(provider) ?? { recurring: 0, unread: 0 };
  lastWords.set(provider, {
    recurring: Math.max(known.recurring, recurring),
    unread: Math.max(known.unread, unread),
  });
}

/** Once they are on their way to the disk: the unit of work is as the data will be. */
export function clearChanges(unit: UnitOfWork): void {
  for (const user of unit.users.values()) user.dirty = false;
  for (const identity of unit.identities.values()) {
    identity.dirty = false;
    identity.moved = false;
  }
  for (const changed of [
    unit.duplicateCounts,
    unit.levels,
    unit.dirtyAttempts,
    unit.deletedAttempts,
    unit.dirtyLevels,
    unit.deletedCredentials,
  ]) {
    changed.clear();
  }
  for (const added of [
    unit.newKeys,
    unit.newDeliveries,
    unit.updatedDeliveries,
    unit.newEvents,
    unit.deletedEvents,
    unit.newCredentials,
    unit.changes,
  ]) {
    added.length = 0;
  }
}

/** Once they are on the disk, where they are looked up. One that may recur stays: the next one is compared with it. */
export function evictDeliveries(unit: UnitOfWork, written: readonly KnownDelivery[]): void {
  for (const { id, provider, duplicateKey } of written) {
    if (duplicateKey.includes('@')) continue;
    unit.deliveries.delete(pairKey(provider, duplicateKey));
    unit.deliveriesById.delete(id);
  }
}

/** By the vendor's clock; of two at one instant, one and the same in every order. */
export function isLaterCredential(word: KnownCredential, held: KnownCredential): boolean {
  if (word.issuedAt !== held.issuedAt) return word.issuedAt > held.issuedAt;
  return word.holderRef > held.holderRef;
}

/** Weight of a row in addition to its JSON, in bytes. */
export const ROW_BYTES = 256;
