/** Erasures that were asked for and have to wait: of users, and of single accounts of users who stay. */

import type { Connection } from '../database/database';

/** Whom to erase: a user with all accounts, or one account, and the user where it is the only one. */
export type Target = { readonly userId: number } | { readonly identityId: number };

/** Requests that are looked at in one round. */
const DUE_CHUNK = 50;

export async function dueRequests(
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

/** @returns whether it had not been asked for yet. */
export async function saveRequest(
  connection: Connection,
  target: Target,
  asked: {
    readonly reason: string | null;
    readonly now: Date;
    /** `null`: once the hold is released. */
    readonly dueAt: string | null;
  },
): Promise<boolean> {
  const [table, column, id] = rowOf(target);
  const known = await connection.query(`SELECT 1 FROM ${table} WHERE ${column} = ?`, [id]);
  if (table === 'erasure_requests') {
    // One that was made before a merge goes on as that of the user who is left.
    await connection.query(
      `DELETE FROM ${table} WHERE user_id IN (SELECT id FROM users WHERE merged_into = ?)`,
      [id],
    );
  }
  await connection.query(
    `INSERT INTO ${table} (${column}, requested_at, reason, due_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (${column}) DO UPDATE SET due_at = excluded.due_at`,
    [id, asked.now.toISOString(), asked.reason, asked.dueAt],
  );
  return known.length === 0;
}

function rowOf(target: Target): readonly [table: string, column: string, id: number] {
  return 'userId' in target
    ? ['erasure_requests', 'user_id', target.userId]
    : ['account_erasure_requests', 'identity_id', target.identityId];
}

/** What was asked for is due again: the next round finds out how long it has to wait now. */
export async function rescheduleRequest(
  connection: Connection,
  userId: number,
  now: Date,
): Promise<void> {
  await connection.query(
    `UPDATE erasure_requests SET due_at = ?
      WHERE user_id IN (SELECT id FROM users WHERE id = ? OR merged_into = ?)`,
    [now.toISOString(), userId, userId],
  );
  await connection.query(
    `UPDATE account_erasure_requests SET due_at = ?
      WHERE identity_id IN (SELECT id FROM identities WHERE user_id = ?)`,
    [now.toISOString(), userId],
  );
}

/** @returns how many. */
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

/** Once it is carried out. */
export async function dropRequests(
  connection: Connection,
  userIds: readonly number[],
  identityIds: readonly number[],
): Promise<void> {
  await connection.query('DELETE FROM erasure_requests WHERE user_id IN (?*)', [userIds]);
  await connection.query('DELETE FROM account_erasure_requests WHERE identity_id IN (?*)', [
    identityIds,
  ]);
}
