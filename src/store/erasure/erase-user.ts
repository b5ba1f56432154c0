/**
 * Erases a user in an open transaction: destroys the keys, empties what was sealed under them, and takes every id, text and
 * word of others out of what stands in the clear. What stays is a record without a name: statuses, levels, attempts and the
 * log of their changes, which nothing changes any more.
 */

import { type Instant, toDate, toInstantText } from '../../domain/instant';
import { appendErasure } from '../../projector/change-entries';
import type { UnitOfWork, UserNode } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { forgetRemarks } from '../forget-remarks';
import type { ErasureDigests } from '../keys/erasure-digests';
import { dropRequests } from './requests';

export interface Erased {
  readonly identities: number;
  readonly deliveries: number;
}

export interface WayOfErasing {
  readonly changeActor: string;
  readonly now: Date;
  readonly again: boolean;
  readonly saidAt: Instant | null;
}

/**
 * @param user - Live, and in the unit of work with all that belongs to them; the unit of work is to be saved afterwards.
 * @param mentions - Further deliveries that speak of them.
 * @param way - `again`: they were erased before, at the time that is known where it is; under which names, is known. `saidAt`:
 *   when the vendor says that it erased them: what is said by the same ids since then is of an account in the place of theirs.
 */
export async function eraseUser(
  unit: UnitOfWork,
  connection: Connection,
  erasureDigests: ErasureDigests,
  user: UserNode,
  mentions: readonly number[],
  { changeActor, now, again, saidAt }: WayOfErasing,
): Promise<Erased> {
  const users = await connection.query<{ id: number; external_user_id: string | null }>(
    'SELECT id, external_user_id FROM users WHERE id = ? OR merged_into = ?',
    [user.id, user.id],
  );
  const identities = [...user.identities];
  const identityIds = identities.map(({ id }) => id);
  const userIds = users.map(({ id }) => id);

  const externalUserIds = again ? [] : users.flatMap(({ external_user_id: id }) => id ?? []);
  const gone = saidAt === null ? now : earlier(toDate(saidAt), now);
  const tombstones = [
    ...identities.map(
      (one) => [erasureDigests.subject(one.provider, one.subjectRef), gone] as const,
    ),
    ...externalUserIds.map((id) => [erasureDigests.externalUser(id), gone] as const),
    ...externalUserIds.map((id) => [erasureDigests.tokenHolder(id), now] as const),
  ];
  for (const [digest, erasedAt] of tombstones) {
    await connection.query(
      `INSERT INTO erased_subjects (digest, erased_at) VALUES (?, ?)
        ON CONFLICT (digest) ${again ? 'DO NOTHING' : LATEST}`,
      [digest, erasedAt.toISOString()],
    );
  }

  const deliveries = await concerned(connection, user, identityIds);
  await empty(connection, [...new Set([...deliveries, ...mentions])]);
  await connection.query('DELETE FROM identity_keys WHERE identity_id IN (?*)', [identityIds]);
  await connection.query('DELETE FROM status_checks WHERE identity_id IN (?*)', [identityIds]);
  await connection.query('DELETE FROM events WHERE identity_id IN (?*)', [identityIds]);
  for (const { id, provider, subjectRef } of identities) {
    await connection.query('DELETE FROM credentials WHERE provider = ? AND holder_ref = ?', [
      provider,
      subjectRef,
    ]);
    await connection.query(
      `UPDATE identities SET subject_ref = ?, external_user_id = NULL, undated_delivery_id = NULL
        WHERE id = ?`,
      [erasureDigests.placeholder(id, provider, subjectRef), id],
    );
  }
  await forgetRemarks(connection, identityIds, userIds);
  // Nothing more is to be expected of those that are open: nobody is to wait for them, or to ask the vendor.
  await connection.query(
    `UPDATE attempts SET attempt_ref = NULL, decided_at = coalesce(decided_at, ?)
      WHERE identity_id IN (?*) AND (attempt_ref IS NOT NULL OR decided_at IS NULL)`,
    [toInstantText(now), identityIds],
  );
  await connection.query('UPDATE user_levels SET expires_at = NULL WHERE user_id IN (?*)', [
    userIds,
  ]);
  await connection.query('DELETE FROM legal_holds WHERE user_id IN (?*)', [userIds]);
  await dropRequests(connection, userIds, identityIds);
  await connection.query(
    `UPDATE users SET external_user_id = NULL, expires_at = NULL, erased_at = ?, updated_at = ?
      WHERE id IN (?*)`,
    [now.toISOString(), now.toISOString(), userIds],
  );
  appendErasure(unit, user, changeActor, now);
  return { identities: identities.length, deliveries: deliveries.length + mentions.length };
}

const LATEST = `DO UPDATE SET erased_at = excluded.erased_at
  WHERE excluded.erased_at > erased_subjects.erased_at`;

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

/** Also those about their credentials, which bear another id of theirs, and belong to no account. */
async function concerned(
  connection: Connection,
  { identities }: UserNode,
  identityIds: readonly number[],
): Promise<readonly number[]> {
  const rows = await connection.query<{ id: number }>(
    `SELECT id FROM deliveries WHERE identity_id IN (?*)
      UNION SELECT delivery_id FROM events WHERE identity_id IN (?*)`,
    [identityIds, identityIds],
  );
  const ids = rows.map(({ id }) => id);
  for (const { provider, subjectRef } of identities) {
    const told = await connection.query<{ id: number }>(
      'SELECT delivery_id AS id FROM credentials WHERE provider = ? AND holder_ref = ?',
      [provider, subjectRef],
    );
    for (const { id } of told) ids.push(id);
  }
  return ids;
}

/** Deliveries emptied by one statement, so that each stays within the time limit of a statement. */
const EMPTIED_AT_ONCE = 10_000;

/** That they came stays, and how often. Whatever could not be read will never be. */
export async function empty(connection: Connection, deliveryIds: readonly number[]): Promise<void> {
  for (let start = 0; start < deliveryIds.length; start += EMPTIED_AT_ONCE) {
    await connection.query(
      `UPDATE deliveries SET body = ?, body_key_id = NULL, subpath = '', reason = NULL,
          disposition = CASE disposition WHEN 'QUARANTINED' THEN 'IGNORED' ELSE disposition END
        WHERE id IN (?*)`,
      [Buffer.alloc(0), deliveryIds.slice(start, start + EMPTIED_AT_ONCE)],
    );
  }
}
