/** Pending erasure requests: of users, and of single identities of users who stay. */

import type { Connection } from '../database/database';
import { getNames } from '../entities/columns';
import { UserEntity } from '../entities/user.entity';

const { mergedInto } = getNames(UserEntity);

/** The user to erase, with all identities; or one identity, with its user if it is the only one. */
export type Target = { readonly userId: number } | { readonly identityId: number };

/** Maximum number of requests in one run. */
const DUE_CHUNK = 50;

export async function findDueRequests(
  connection: Connection,
  now: Date,
): Promise<readonly { readonly target: Target; readonly reason: string | null }[]> {
  const rows = await connection.query<DueSql>(
    `SELECT user_id AS "userId", NULL AS "identityId", reason, due_at FROM erasure_requests
        WHERE due_at <= ?
      UNION ALL SELECT NULL, identity_id, reason, due_at FROM account_erasure_requests
        WHERE due_at <= ?
      ORDER BY due_at LIMIT ${DUE_CHUNK}`,
    [now.toISOString(), now.toISOString()],
  );
  return rows.map(({ reason, ...target }) => ({ target: toTarget(target), reason }));
}

interface DueSql {
  readonly userId: number | null;
  readonly identityId: number;
  readonly reason: string | null;
}

function toTarget({ userId, identityId }: Omit<DueSql, 'reason'>): Target {
  return userId === null ? { identityId } : { userId };
}

/** Stores a request, or updates the due time of the pending one. Returns whether the request is new. */
export async function saveRequest(
  connection: Connection,
  target: Target,
  request: {
    readonly reason: string | null;
    readonly now: Date;
    /** If null, the request is due when the hold is released. */
    readonly dueAt: string | null;
  },
): Promise<boolean> {
  const [table, column, id] = rowOf(target);
  const pending = await connection.query(`SELECT 1 FROM ${table} WHERE ${column} = ?`, [id]);
  if (table === 'erasure_requests') {
    // The request of a user who was merged continues as that of the merge target.
    await connection.query(
      `DELETE FROM ${table} WHERE user_id IN (SELECT id FROM users WHERE ${mergedInto} = ?)`,
      [id],
    );
  }
  await connection.query(
    `INSERT INTO ${table} (${column}, requested_at, reason, due_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (${column}) DO UPDATE SET due_at = excluded.due_at`,
    [id, request.now.toISOString(), request.reason, request.dueAt],
  );
  return pending.length === 0;
}

function rowOf(target: Target): readonly [table: string, column: string, id: number] {
  return 'userId' in target
    ? ['erasure_requests', 'user_id', target.userId]
    : ['account_erasure_requests', 'identity_id', target.identityId];
}

/** Makes the requests of the user due now, after a change of the holds. The next run determines the new due time. */
export async function rescheduleRequests(
  connection: Connection,
  userId: number,
  now: Date,
): Promise<void> {
  await connection.query(
    `UPDATE erasure_requests SET due_at = ?
      WHERE user_id IN (SELECT id FROM users WHERE id = ? OR ${mergedInto} = ?)`,
    [now.toISOString(), userId, userId],
  );
  await connection.query(
    `UPDATE account_erasure_requests SET due_at = ?
      WHERE identity_id IN (SELECT id FROM identities WHERE user_id = ?)`,
    [now.toISOString(), userId],
  );
}

/** Returns the number of requests postponed. */
export async function postponeRequests(connection: Connection, until: Date): Promise<number> {
  let count = 0;
  for (const table of ['erasure_requests', 'account_erasure_requests']) {
    const rows = await connection.query(
      `UPDATE ${table} SET due_at = ? WHERE due_at < ? RETURNING due_at`,
      [until.toISOString(), until.toISOString()],
    );
    count += rows.length;
  }
  return count;
}

export async function deleteRequests(
  connection: Connection,
  userIds: readonly number[],
  identityIds: readonly number[],
): Promise<void> {
  await connection.query('DELETE FROM erasure_requests WHERE user_id IN (?*)', [userIds]);
  await connection.query('DELETE FROM account_erasure_requests WHERE identity_id IN (?*)', [
    identityIds,
  ]);
}
