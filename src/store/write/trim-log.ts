/** Deletes the oldest entries of the change log. */

import { GATEWAY_ACTOR } from '../../domain/audit';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import { writeSetting } from '../database/settings';
import type { Transact } from '../database/transaction';
import { encodeFloorNonce, FLOOR_NONCE } from '../read/changes';

export interface TrimLogOptions {
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly clock: () => Date;
}

/** Maximum number of entries that one transaction deletes, so that deliveries do not wait long. */
const TRIM_CHUNK = 2_000;

/** Returns a function that deletes the entries recorded before a time and resolves to their number. */
export function createTrimLog(options: TrimLogOptions): (before: Date) => Promise<number> {
  return async (before) => {
    for (let total = 0; ; ) {
      const deleted = await options.transaction((connection) => trim(connection, before, options));
      total += deleted;
      if (deleted < TRIM_CHUNK) return total;
    }
  };
}

async function trim(
  connection: Connection,
  before: Date,
  { appendAudit, clock }: TrimLogOptions,
): Promise<number> {
  const floor = await findFloor(connection, before);
  if (floor === null) return 0;
  const [count] = await connection.query<{ n: number; nonce: number | null }>(
    `SELECT count(*) AS n, (SELECT nonce FROM changes WHERE id = ?) AS nonce
      FROM changes WHERE id <= ?`,
    [floor, floor],
  );
  if (count === undefined || count.n === 0) return 0;
  await connection.query('DELETE FROM changes WHERE id <= ?', [floor]);
  await writeSetting(connection, 'log_floor', String(floor));
  if (count.nonce !== null) {
    const position = encodeFloorNonce({ seq: floor, nonce: count.nonce });
    await writeSetting(connection, FLOOR_NONCE, position);
  }
  const details = { entries: count.n, upTo: floor };
  const act = { actor: GATEWAY_ACTOR, subject: null, reason: null, at: clock() };
  await appendAudit(connection, [{ ...act, action: 'LOG_TRIMMED', details }]);
  return count.n;
}

/** Returns the position of the last entry to delete in one transaction. The log is in commit order, so the first newer entry ends the search. */
async function findFloor(connection: Connection, before: Date): Promise<number | null> {
  const [row] = await connection.query<{ floor: number | null }>(
    `WITH oldest AS (SELECT id, recorded_at FROM changes ORDER BY id LIMIT ${TRIM_CHUNK})
      SELECT coalesce(
        (SELECT id - 1 FROM oldest WHERE recorded_at >= ? ORDER BY id LIMIT 1),
        (SELECT max(id) FROM oldest)) AS floor`,
    [before.toISOString()],
  );
  return row?.floor ?? null;
}
