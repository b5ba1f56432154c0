/**
 * Erases a user in an open transaction: deletes the data keys, empties what they encrypt, and removes IDs and provider texts that
 * are not encrypted. Statuses, levels, attempts and their change log stay, without a name, and never change again.
 */

import { type Instant, toDate, toInstantText } from '../../domain/instant';
import { appendErasure } from '../../projector/change-entries';
import type { IdentityNode, UnitOfWork, UserNode } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { getNames } from '../entities/columns';
import { CredentialEntity } from '../entities/credential.entity';
import { DeliveryEntity } from '../entities/delivery.entity';
import { ErasedSubjectEntity } from '../entities/erased-subject.entity';
import { EventEntity } from '../entities/event.entity';
import { IdentityEntity } from '../entities/identity.entity';
import { UserEntity } from '../entities/user.entity';
import type { ErasureDigests } from '../keys/erasure-digests';
import { removeProviderText } from './remove-provider-text';
import { deleteRequests } from './requests';

const USER = getNames(UserEntity);
const IDENTITY = getNames(IdentityEntity);
const DELIVERY = getNames(DeliveryEntity);
const EVENT = getNames(EventEntity);
const CREDENTIAL = getNames(CredentialEntity);
const ERASED_SUBJECT = getNames(ErasedSubjectEntity);

export interface EraseUserOptions {
  readonly connection: Connection;
  readonly erasureDigests: ErasureDigests;
  /** Contains the user with all identities. The caller saves it afterwards. */
  readonly unit: UnitOfWork;
  /** A live user. */
  readonly user: UserNode;
  /** Deliveries without an identity that mention the user. */
  readonly mentions: readonly number[];
  readonly changeActor: string;
  readonly now: Date;
  /** Whether the user was erased before. Their tombstones then exist already. */
  readonly reapply: boolean;
  /** Time at which the provider reported the deletion. Later events with the same IDs are about a new account. */
  readonly reportedAt: Instant | null;
}

export interface ErasedCounts {
  readonly identities: number;
  readonly deliveries: number;
}

export async function eraseUser(options: EraseUserOptions): Promise<ErasedCounts> {
  const { connection, unit, user, mentions, changeActor, now } = options;
  const users = await connection.query<UserSql>(
    `SELECT id, ${USER.externalUserId} AS "externalUserId" FROM users WHERE id = ? OR ${USER.mergedInto} = ?`,
    [user.id, user.id],
  );
  const userIds = users.map(({ id }) => id);
  const identities = [...user.identities];
  const identityIds = identities.map(({ id }) => id);

  await saveTombstones(options, identities, users);
  const deliveries = await findDeliveries(connection, identities);
  await emptyDeliveries(connection, [...new Set([...deliveries, ...mentions])]);
  await deleteIdentityData(options, identities);
  await removeProviderText(connection, identityIds, userIds);
  await closeAttempts(connection, identityIds, now);
  await deleteUserData(connection, userIds, now);
  await deleteRequests(connection, userIds, identityIds);
  appendErasure(unit, user, changeActor, now);
  return { identities: identities.length, deliveries: deliveries.length + mentions.length };
}

interface UserSql {
  readonly id: number;
  readonly externalUserId: string | null;
}

/** An erasure by the provider counts from its report. Tokens are rejected if they are older than this transaction. */
async function saveTombstones(
  { connection, erasureDigests, now, reapply, reportedAt }: EraseUserOptions,
  identities: readonly IdentityNode[],
  users: readonly UserSql[],
): Promise<void> {
  const erasedAt = reportedAt === null ? now : earlier(toDate(reportedAt), now);
  const externalUserIds = reapply ? [] : users.flatMap((user) => user.externalUserId ?? []);
  const tombstones = [
    ...identities.map(
      (identity) =>
        [erasureDigests.subject(identity.provider, identity.subjectRef), erasedAt] as const,
    ),
    ...externalUserIds.map((id) => [erasureDigests.externalUser(id), erasedAt] as const),
    ...externalUserIds.map((id) => [erasureDigests.tokenHolder(id), now] as const),
  ];
  for (const [digest, at] of tombstones) {
    await connection.query(
      `INSERT INTO erased_subjects (digest, ${ERASED_SUBJECT.erasedAt}) VALUES (?, ?)
        ON CONFLICT (digest) ${reapply ? 'DO NOTHING' : KEEP_LATEST}`,
      [digest, at.toISOString()],
    );
  }
}

const KEEP_LATEST = `DO UPDATE SET ${ERASED_SUBJECT.erasedAt} = excluded.${ERASED_SUBJECT.erasedAt}
  WHERE excluded.${ERASED_SUBJECT.erasedAt} > erased_subjects.${ERASED_SUBJECT.erasedAt}`;

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

/** Returns all deliveries about the identities. Those about credentials have another ID and belong to no identity. */
async function findDeliveries(
  connection: Connection,
  identities: readonly IdentityNode[],
): Promise<readonly number[]> {
  const identityIds = identities.map(({ id }) => id);
  const rows = await connection.query<{ id: number }>(
    `SELECT id FROM deliveries WHERE identity_id IN (?*)
      UNION SELECT ${EVENT.deliveryId} FROM events WHERE ${EVENT.identityId} IN (?*)`,
    [identityIds, identityIds],
  );
  const ids = rows.map(({ id }) => id);
  for (const { provider, subjectRef } of identities) {
    const credentials = await connection.query<{ id: number }>(
      `SELECT ${CREDENTIAL.deliveryId} AS id FROM credentials WHERE provider = ? AND ${CREDENTIAL.holderRef} = ?`,
      [provider, subjectRef],
    );
    for (const { id } of credentials) ids.push(id);
  }
  return ids;
}

/** Maximum number of deliveries in one statement, so that it stays within the time limit of a statement. */
const EMPTY_CHUNK = 10_000;

/** Deletes the content of deliveries, but not their rows. Quarantined ones become IGNORED, because no replay can read them. */
export async function emptyDeliveries(
  connection: Connection,
  deliveryIds: readonly number[],
): Promise<void> {
  for (let start = 0; start < deliveryIds.length; start += EMPTY_CHUNK) {
    await connection.query(
      `UPDATE deliveries SET body = ?, ${DELIVERY.bodyKeyId} = NULL, subpath = '', reason = NULL,
          disposition = CASE disposition WHEN 'QUARANTINED' THEN 'IGNORED' ELSE disposition END
        WHERE id IN (?*)`,
      [Buffer.alloc(0), deliveryIds.slice(start, start + EMPTY_CHUNK)],
    );
  }
}

async function deleteIdentityData(
  { connection, erasureDigests }: EraseUserOptions,
  identities: readonly IdentityNode[],
): Promise<void> {
  const ids = identities.map(({ id }) => id);
  await connection.query('DELETE FROM identity_keys WHERE identity_id IN (?*)', [ids]);
  await connection.query('DELETE FROM status_checks WHERE identity_id IN (?*)', [ids]);
  await connection.query('DELETE FROM events WHERE identity_id IN (?*)', [ids]);
  for (const { id, provider, subjectRef } of identities) {
    await connection.query('DELETE FROM credentials WHERE provider = ? AND holder_ref = ?', [
      provider,
      subjectRef,
    ]);
    await connection.query(
      `UPDATE identities SET ${IDENTITY.subjectRef} = ?, ${IDENTITY.externalUserId} = NULL, ${IDENTITY.undatedDeliveryId} = NULL
        WHERE id = ?`,
      [erasureDigests.placeholder(id, provider, subjectRef), id],
    );
  }
}

/** Decides open attempts, because no event of them follows: monitoring and status checks then leave them out. */
async function closeAttempts(
  connection: Connection,
  identityIds: readonly number[],
  now: Date,
): Promise<void> {
  await connection.query(
    `UPDATE attempts SET attempt_ref = NULL, decided_at = coalesce(decided_at, ?)
      WHERE identity_id IN (?*) AND (attempt_ref IS NOT NULL OR decided_at IS NULL)`,
    [toInstantText(now), identityIds],
  );
}

async function deleteUserData(
  connection: Connection,
  userIds: readonly number[],
  now: Date,
): Promise<void> {
  await connection.query('UPDATE user_levels SET expires_at = NULL WHERE user_id IN (?*)', [
    userIds,
  ]);
  await connection.query('DELETE FROM legal_holds WHERE user_id IN (?*)', [userIds]);
  await connection.query(
    `UPDATE users SET ${USER.externalUserId} = NULL, ${USER.expiresAt} = NULL, ${USER.erasedAt} = ?, ${USER.updatedAt} = ?
      WHERE id IN (?*)`,
    [now.toISOString(), now.toISOString(), userIds],
  );
}
