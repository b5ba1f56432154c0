/**
 * The data that one transaction touches, in memory: users with their identities, events, attempts and levels. One statement
 * loads it, plain code modifies it, and one statement saves it. It is reused for the next transaction only while no other process
 * has written.
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
  /** Time of the erasure. An erased user never changes again. */
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
  /** Final rejections that block approvals at other levels, by the level of the rejection. Set by the first projection. */
  readonly blockers: Map<LevelKey, Blocker>;
  /** Whether to project every level, not only those with new events. */
  stale: boolean;
  /** Whether to save the user. */
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
  /** In no order. Modified by `addEvent` and `removeEvents` only. */
  events: StoredEvent[];
  /** Fold of the events. Created by the first call of `getFold`. */
  fold: IdentityFold<StoredEvent> | null;
  /** Number of events, from the start of the list, whose external user ID already has a user. */
  resolvedEvents: number;
  /** By level, in the order of their numbers. */
  readonly attempts: Map<LevelKey, AttemptNode[]>;
  /** @throws {Error} If the data key was destroyed. */
  readonly cipher: () => Cipher;
  dirty: boolean;
  /** Whether the user changed since the identity was loaded. */
  moved: boolean;
}

/** The data key of a new identity. */
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

/** Current state of a credential. */
export interface KnownCredential {
  readonly holderRef: string;
  readonly issuedAt: Instant;
}

/** A credential event of one delivery. */
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
  /** Users that are not merged, also by the external IDs of the users merged into them. */
  readonly usersByExternalId: Map<string, UserNode>;
  /** External IDs already looked up, whether found or not. */
  readonly checkedExternalIds: Set<string>;
  readonly identities: Map<string, IdentityNode>;
  /** By `pairKey(provider, duplicateKey)`. */
  readonly deliveries: Map<string, KnownDelivery>;
  readonly deliveriesById: Map<number, KnownDelivery>;
  /** By provider: IDs of its last delivery that may recur and of its last quarantined delivery. 0 for none. */
  readonly lastDeliveries: Map<
    ProviderId,
    { readonly recurring: number; readonly quarantined: number }
  >;
  /** By `pairKey(provider, credentialRef)`. */
  readonly credentials: Map<string, KnownCredential>;
  /** Highest ID in use, by table. */
  readonly lastIds: Record<Table, number>;

  /** Approximate size of the events and attempts as JSON, in bytes. */
  bytes: number;

  /** Whether any user was ever erased. */
  hasErasures: boolean;
  /** Times of erasure, by the key of a subject or a user. See `erased-subjects.ts`. */
  readonly tombstones: Map<string, Date>;
  /** Keys whose tombstone has already been looked up. */
  readonly checkedTombstones: Set<string>;
  /** External IDs in events loaded since the last lookup of tombstones. */
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
  /** Stored deliveries whose replay has a different result. */
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

/** Allocates an ID. Only one process writes at a time, so rows can refer to each other before any row is saved. */
export function nextId(unit: UnitOfWork, table: Table): number {
  unit.lastIds[table] += 1;
  return unit.lastIds[table];
}

/** Advances the last deliveries of a provider. Lower IDs than the known ones have no effect. */
export function updateLastDeliveries(
  { lastDeliveries }: UnitOfWork,
  provider: ProviderId,
  { recurring, quarantined }: { readonly recurring: number; readonly quarantined: number },
): void {
  const known = lastDeliveries.get(provider) ?? { recurring: 0, quarantined: 0 };
  lastDeliveries.set(provider, {
    recurring: Math.max(known.recurring, recurring),
    quarantined: Math.max(known.quarantined, quarantined),
  });
}

/** Clears all marks of unsaved changes. Call it once the save has started: the unit of work then matches the data. */
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

/** Removes stored deliveries, which the database can look up. Keeps those that may recur: the next delivery is compared with them. */
export function evictDeliveries(unit: UnitOfWork, written: readonly KnownDelivery[]): void {
  for (const { id, provider, duplicateKey } of written) {
    if (duplicateKey.includes('@')) continue;
    unit.deliveries.delete(pairKey(provider, duplicateKey));
    unit.deliveriesById.delete(id);
  }
}

/** Compares by provider timestamp, then by holder, so the result does not depend on the order of arrival. */
export function isLaterCredential(a: KnownCredential, b: KnownCredential): boolean {
  if (a.issuedAt !== b.issuedAt) return a.issuedAt > b.issuedAt;
  return a.holderRef > b.holderRef;
}

/** Size of a row in addition to its JSON, in bytes. */
export const ROW_BYTES = 256;
