/** Empties raw bodies that have been kept for long enough, a few at a time, so that whoever posts meanwhile does not wait long. */

import { GATEWAY_ACTOR } from '../domain/audit';
import type { AppendAudit } from './audit';
import type { Connection } from './database';
import { empty } from './erase-user';

export interface ShedBodiesOptions {
  readonly reading: Connection;
  /** Runs work alone on the writing connection. */
  readonly transaction: <T>(work: (writing: Connection) => Promise<T>) => Promise<T>;
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
export function createShedBodies(
  options: ShedBodiesOptions,
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
      if (ids.length > 0) await shed(ids, now);
      reached = rows.at(-1) ?? reached;
      if (ids.length > 0 || rows.length < CHUNK) return ids.length;
    }
  };

  function shed(ids: readonly number[], now: Date): Promise<void> {
    return transaction(async (connection) => {
      await empty(connection, ids);
      const act = { actor: GATEWAY_ACTOR, subject: null, reason: null, at: now };
      const details = { rawBodies: ids.length };
      await appendAudit(connection, [{ ...act, action: 'RETENTION_APPLIED', details }]);
    });
  }
}

const LOOK = `
  SELECT d.id, d.received_at AS "receivedAt", length(d.body) AS "full",
    (SELECT count(*) FROM identities i
      JOIN users u ON u.id = i.user_id OR u.merged_into = i.user_id
      JOIN legal_holds h ON h.user_id = u.id AND (h.until IS NULL OR h.until > ?)
      WHERE i.id = d.identity_id) AS held
  FROM deliveries d
  WHERE d.received_at < ? AND (d.received_at, d.id) > (?, ?)
  ORDER BY d.received_at, d.id LIMIT ${CHUNK}`;
