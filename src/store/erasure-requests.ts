/** Erasures that were asked for and have to wait. */

import type { Connection } from './database';

/** @returns whether it had not been asked for yet. */
export async function keepRequest(
  connection: Connection,
  userId: number,
  asked: {
    readonly reason: string | null;
    readonly now: Date;
    /** `null`: once the hold is released. */
    readonly dueAt: string | null;
  },
): Promise<boolean> {
  const known = await connection.query('SELECT user_id FROM erasure_requests WHERE user_id = ?', [
    userId,
  ]);
  // One that was made before a merge goes on as that of the user who is left.
  await connection.query(
    'DELETE FROM erasure_requests WHERE user_id IN (SELECT id FROM users WHERE merged_into = ?)',
    [userId],
  );
  await connection.query(
    `INSERT INTO erasure_requests (user_id, requested_at, reason, due_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (user_id) DO UPDATE SET due_at = excluded.due_at`,
    [userId, asked.now.toISOString(), asked.reason, asked.dueAt],
  );
  return known.length === 0;
}

/** What was asked for is due again: the next round finds out how long it has to wait now. */
export async function lookAgain(connection: Connection, userId: number, now: Date): Promise<void> {
  await connection.query(
    `UPDATE erasure_requests SET due_at = ?
      WHERE user_id IN (SELECT id FROM users WHERE id = ? OR merged_into = ?)`,
    [now.toISOString(), userId, userId],
  );
}
