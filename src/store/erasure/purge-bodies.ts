/** Empties raw bodies after their retention, in small steps, so that deliveries do not wait long. */

import { GATEWAY_ACTOR } from '../../domain/audit';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import type { Transact } from '../database/transaction';
import { NAMES } from '../write/loaded-columns';
import { emptyDeliveries } from './erase-user';

export interface PurgeBodiesOptions {
  readonly reading: Connection;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
}

/** Maximum number of deliveries in one step. */
const CHUNK = 500;
/** Interval after which all deliveries are checked again, because a hold may have ended. */
const RESTART_MS = 24 * 60 * 60_000;

/** Position among the deliveries, in the order of receipt. */
interface Position {
  readonly receivedAt: string;
  readonly id: number;
}

const START: Position = { receivedAt: '', id: 0 };

/** Returns a function that empties bodies received before a time and resolves to their number; 0 when none are left. */
export function createPurgeBodies(
  options: PurgeBodiesOptions,
): (before: Date, now: Date) => Promise<number> {
  const { reading, transaction, appendAudit } = options;
  let position = START;
  let startedAt = Number.NEGATIVE_INFINITY;

  return async (before, now) => {
    if (now.getTime() - startedAt > RESTART_MS) {
      position = START;
      startedAt = now.getTime();
    }
    for (;;) {
      const rows = await reading.query<Position & { size: number; holds: number }>(NEXT, [
        now.toISOString(),
        before.toISOString(),
        position.receivedAt,
        position.id,
      ]);
      const ids = rows.filter(({ size, holds }) => size > 0 && holds === 0).map(({ id }) => id);
      const count = ids.length > 0 ? await purge(ids, now) : 0;
      position = rows.at(-1) ?? position;
      if (count > 0 || rows.length < CHUNK) return count;
    }
  };

  function purge(candidates: readonly number[], now: Date): Promise<number> {
    return transaction(async (connection) => {
      const rows = await connection.query<{ id: number }>(WITHOUT_HOLD, [
        candidates,
        now.toISOString(),
      ]);
      if (rows.length === 0) return 0;
      const ids = rows.map(({ id }) => id);
      await emptyDeliveries(connection, ids);
      const act = { actor: GATEWAY_ACTOR, subject: null, reason: null, at: now };
      const details = { rawBodies: ids.length };
      await appendAudit(connection, [{ ...act, action: 'RETENTION_APPLIED', details }]);
      return ids.length;
    });
  }
}

/** Number of holds on the user of a delivery. */
const HOLDS = `
  (SELECT count(*) FROM identities i
    JOIN users u ON u.id = ${NAMES.i.userId} OR ${NAMES.u.mergedInto} = ${NAMES.i.userId}
    JOIN legal_holds h ON h.user_id = u.id AND (h.until IS NULL OR h.until > ?)
    WHERE i.id = ${NAMES.d.identityId})`;

const NEXT = `
  SELECT d.id, ${NAMES.d.receivedAt} AS "receivedAt", length(d.body) AS size, ${HOLDS} AS holds
  FROM deliveries d
  WHERE ${NAMES.d.receivedAt} < ? AND (${NAMES.d.receivedAt}, d.id) > (?, ?)
  ORDER BY ${NAMES.d.receivedAt}, d.id LIMIT ${CHUNK}`;

/** Checks again inside the transaction: an operator may have set a hold. */
const WITHOUT_HOLD = `SELECT d.id FROM deliveries d WHERE d.id IN (?*) AND ${HOLDS} = 0`;
