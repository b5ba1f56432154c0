/** Who a user is now: ids of merged users stand for the user that they went into. */

import type { Connection } from '../database/database';

/** @returns `undefined` if there never was one of this id. */
export async function resolveUser(
  connection: Connection,
  userId: number,
): Promise<{ readonly id: number; readonly erased: boolean } | undefined> {
  const [row] = await connection.query<{ id: number; erased_at: string | null }>(
    'SELECT coalesce(merged_into, id) AS id, erased_at FROM users WHERE id = ?',
    [userId],
  );
  return row && { id: row.id, erased: row.erased_at !== null };
}
