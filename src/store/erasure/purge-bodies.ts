/** Empties raw bodies that have been kept for long enough, a few at a time, so that whoever posts meanwhile does not wait long. */

import { GATEWAY_ACTOR } from '../../domain/audit';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import type { Transact } from '../database/transaction';
import { empty } from './erase-user';

export interface PurgeBodiesOptions {
  readonly reading: Connection;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
}

/** Deliveries that are looked at, and emptied, in one step. */
const CHUNK = 500;
/** How often all are looked at again: a hold may have ended. */
const AGAIN_MS = 24 * 60 * 60_000;

/** A place among the deliveries, in the order of their receipt. */
interface Place {
  readonly receivedAt: string;
  readonly id: number;
}

const START: Place = { receivedAt: '', id: 0 };

/** @returns a function that empties those received before a time, and says how many; 0 once all are. */
export function createPurgeBodies(
  options: PurgeBodiesOptions,
): (before: Date, now: Date) => Promise<number> {
  const { reading, transaction, appendAudit } = options;
  let reached = START;
  let begunAt = Number.NEGATIVE_INFINITY;

  return async (before, now) => {
    if (now.getTime() - begunAt > AGAIN_MS) {
      reached = START;
      begunAt = now.getTime();
    }
    for (;;) {
      const rows = await reading.query<Place & { full: number; held: number }>(LOOK, [
        now.toISOString(),
        before.toISOString(),
        reached.receivedAt,
        reached.id,
      ]);
      const ids = rows.filter(({ full, held }) => full > 0 && held === 0).map(({ id }) => id);
      const count = ids.length > 0 ? await shed(ids, now) : 0;
      reached = rows.at(-1) ?? reached;
      if (count > 0 || rows.length < CHUNK) return count;
    }
  };

  function shed(looked: readonly number[], now: Date): Promise<number> {
    return transaction(async (connection) => {
      const rows = await connection.query<{ id: number }>(STILL_FREE, [looked, now.toISOString()]);
      if (rows.length === 0) return 0;
      const ids = rows.map(({ id }) => id);
      await empty(connection, ids);
      const act = { actor: GATEWAY_ACTOR, subject: null, reason: null, at: now };
      const details = { rawBodies: ids.length };
      await appendAudit(connection, [{ ...act, action: 'RETENTION_APPLIED', details }]);
      return ids.length;
    });
  }
}

/** How many holds are on the user of a delivery. */
const HOLDS = `
  (SELECT count(*) FROM identities i
    JOIN users u ON u.id = i.user_id OR u.merged_into = i.user_id
    JOIN legal_holds h ON h.user_id = u.id AND (h.until IS NULL OR h.until > ?)
    WHERE i.id = d.identity_id)`;

const LOOK = `
  SELECT d.id, d.received_at AS "receivedAt", length(d.body) AS "full", ${HOLDS} AS held
  FROM deliveries d
  WHERE d.received_at < ? AND (d.received_at, d.id) > (?, ?)
  ORDER BY d.received_at, d.id LIMIT ${CHUNK}`;

/** Since they were looked at, somebody may have set a hold. */
const STILL_FREE = `SELECT d.id FROM deliveries d WHERE d.id IN (?*) AND ${HOLDS} = 0`;
