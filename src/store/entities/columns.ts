/**
 * What has changed in a unit of work, as rows of tables: which rows, which columns, and what a row holds in each. How they are
 * written is the engine's.
 */

import { splitLevelKey } from '../../domain/level';
import type {
  AttemptNode,
  IdentityNode,
  LevelNode,
  NewCredential,
  NewDelivery,
  NewEvent,
  NewKey,
  UnitOfWork,
  UserNode,
} from '../../projector/unit-of-work';

/** A value that is no scalar is kept as JSON. */
export type Value = string | number | boolean | Buffer | object | null;

/** A column and what it holds of a row. */
export type Column<Row> = readonly [name: string, read: (row: Row) => Value];

// ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A merge may hand an external id on: whoever has lost it is written before whoever has won it. */
export function dirtyUsers(unit: UnitOfWork): readonly UserNode[] {
  return [...unit.users.values()]
    .filter((user) => user.dirty)
    .sort((a, b) => Number(a.externalUserId !== null) - Number(b.externalUserId !== null));
}

export function dirtyIdentities(unit: UnitOfWork): readonly IdentityNode[] {
  return [...unit.identities.values()].filter((identity) => identity.dirty);
}

export function dirtyLevels(unit: UnitOfWork): readonly PlacedLevel[] {
  return [...unit.dirtyLevels.values()].map(({ userId, levelKey }) => ({
    userId,
    levelKey,
    level: unit.users.get(userId)?.levels.get(levelKey),
  }));
}

export interface PlacedLevel {
  readonly userId: number;
  readonly levelKey: string;
  readonly level: LevelNode | undefined;
}

export interface HeldLevel extends PlacedLevel {
  readonly level: LevelNode;
}

export function isHeld(placed: PlacedLevel): placed is HeldLevel {
  return placed.level !== undefined;
}

// ── Columns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export const USER_COLUMNS: readonly Column<UserNode>[] = [
  ['id', (user) => user.id],
  ['external_user_id', (user) => user.externalUserId],
  ['merged_into', (user) => user.mergedInto],
  ['kind', (user) => user.kind],
  ['verification_status', (user) => user.verificationStatus],
  ['status_since', (user) => user.statusSince],
  ['expires_at', (user) => user.expiresAt],
  ['active', (user) => user.active],
  ['created_at', (user) => user.createdAt],
  ['updated_at', (user) => user.updatedAt],
];

export const IDENTITY_COLUMNS: readonly Column<IdentityNode>[] = [
  ['id', (identity) => identity.id],
  ['user_id', (identity) => identity.user.id],
  ['provider', (identity) => identity.provider],
  ['subject_ref', (identity) => identity.subjectRef],
  ['external_user_id', (identity) => identity.externalUserId],
  ['kind', (identity) => identity.kind],
  ['state', (identity) => identity.state],
  ['linked', (identity) => identity.linked],
  ['undated_delivery_id', (identity) => identity.undatedDeliveryId],
  ['created_at', (identity) => identity.createdAt],
];

export const KEY_COLUMNS: readonly Column<NewKey>[] = [
  ['identity_id', (key) => key.identityId],
  ['data_key', (key) => key.dataKey],
  ['data_key_id', (key) => key.dataKeyId],
];

export const LEVEL_COLUMNS: readonly Column<[string, { readonly kind: string }]>[] = [
  ['key', ([key]) => key],
  ['provider', ([key]) => splitLevelKey(key).provider],
  ['name', ([key]) => splitLevelKey(key).name],
  ['kind', ([, { kind }]) => kind],
];

export const DELIVERY_COLUMNS: readonly Column<NewDelivery>[] = [
  ['id', (delivery) => delivery.id],
  ['provider', (delivery) => delivery.provider],
  ['duplicate_key', (delivery) => delivery.duplicateKey],
  ['duplicates', () => 0],
  ['received_at', (delivery) => delivery.receivedAt],
  ['trust', (delivery) => delivery.trust],
  ['disposition', (delivery) => delivery.disposition],
  ['reason_code', (delivery) => delivery.reason?.code ?? null],
  ['reason', (delivery) => delivery.reason?.message ?? null],
  ['event_type', (delivery) => delivery.eventType],
  ['subpath', (delivery) => delivery.subpath],
  ['identity_id', (delivery) => delivery.identityId],
  ['body', (delivery) => delivery.body],
  ['body_key_id', (delivery) => delivery.bodyKeyId],
];

export const EVENT_COLUMNS: readonly Column<NewEvent>[] = [
  ['id', ({ event }) => event.id],
  ['key', ({ event }) => event.key],
  ['delivery_id', ({ event }) => event.deliveryId],
  ['identity_id', ({ identityId }) => identityId],
  ['received_at', ({ event }) => event.receivedAt],
  ['trust', ({ event }) => event.trust],
  ['body', ({ event }) => event.event],
  ['personal', sealPersonal],
];

function sealPersonal({ personal, cipher }: NewEvent): Buffer | null {
  if (personal === null) return null;
  return cipher().seal(Buffer.from(JSON.stringify(personal)), 'event.personal');
}

export const CREDENTIAL_COLUMNS: readonly Column<NewCredential>[] = [
  ['id', (credential) => credential.id],
  ['provider', (credential) => credential.provider],
  ['holder_ref', (credential) => credential.holderRef],
  ['credential_ref', (credential) => credential.credentialRef],
  ['issued_at', (credential) => credential.issuedAt],
  ['delivery_id', (credential) => credential.deliveryId],
];

export interface PlacedAttempt {
  readonly attempt: AttemptNode;
  readonly identity: IdentityNode;
}

export const ATTEMPT_COLUMNS: readonly Column<PlacedAttempt>[] = [
  ['id', ({ attempt }) => attempt.id],
  ['identity_id', ({ identity }) => identity.id],
  ['user_id', ({ identity }) => identity.user.id],
  ['level_key', ({ attempt }) => attempt.levelKey],
  ['number', ({ attempt }) => attempt.number],
  ['attempt_ref', ({ attempt }) => attempt.attemptRef],
  ['status', ({ attempt }) => attempt.status],
  ['provider_status', ({ attempt }) => attempt.providerStatus],
  ['rejection', ({ attempt }) => attempt.rejection],
  ['review_reasons', ({ attempt }) => attempt.reviewReasons],
  ['trust', ({ attempt }) => attempt.trust],
  ['sandbox', ({ attempt }) => attempt.sandbox],
  ['started_at', ({ attempt }) => attempt.startedAt],
  ['updated_at', ({ attempt }) => attempt.updatedAt],
  ['decided_at', ({ attempt }) => attempt.decidedAt],
];

export const USER_LEVEL_COLUMNS: readonly Column<HeldLevel>[] = [
  ['user_id', ({ userId }) => userId],
  ['level_key', ({ levelKey }) => levelKey],
  ['kind', ({ level }) => level.kind],
  ['status', ({ level }) => level.status],
  ['since', ({ level }) => level.since],
  ['expires_at', ({ level }) => level.expiresAt],
  ['superseded', ({ level }) => level.superseded],
  ['blocked_by', ({ level }) => level.blockedBy],
  ['blocked_at', ({ level }) => level.blockedAt],
  ['latest_attempt_id', ({ level }) => level.latestAttemptId],
];

export const CHANGE_COLUMNS: readonly Column<UnitOfWork['changes'][number]>[] = [
  ['id', (change) => change.seq],
  ['user_id', (change) => change.userId],
  ['provider', (change) => change.provider],
  ['level_key', (change) => change.levelKey],
  ['attempt_id', (change) => change.attemptId],
  ['attempt_status', (change) => change.attemptStatus],
  ['previous_attempt_status', (change) => change.previousAttemptStatus],
  ['level_status', (change) => change.levelStatus],
  ['previous_level_status', (change) => change.previousLevelStatus],
  ['verification_status', (change) => change.verificationStatus],
  ['previous_verification_status', (change) => change.previousVerificationStatus],
  ['active', (change) => change.active],
  ['previous_active', (change) => change.previousActive],
  ['rejection', (change) => change.rejection],
  ['cause', ({ cause }) => cause.kind],
  ['delivery_id', ({ cause }) => cause.deliveryId],
  ['actor', ({ cause }) => cause.actor],
  ['merged_user_id', ({ cause }) => cause.mergedUserId],
  ['occurred_at', (change) => change.occurredAt],
  ['recorded_at', (change) => change.recordedAt.toISOString()],
  ['nonce', (change) => change.nonce],
];
