/** Writes the audit log: each entry in the transaction of the act that it tells of, so that there is neither without the other. */

import type { AuditAct } from '../../domain/audit';
import type { Connection } from '../database/database';
import { AUDIT_COLUMNS, type AuditRow, GENESIS, hashOf } from './chain';

/**
 * Adds entries, in this order. To be called as the last thing in a transaction on the writing connection, which nobody else
 * writes beside (SQLite by itself, on PostgreSQL by the lock on `sequencer`): so the chain is one, with one end, however
 * many instances there are.
 */
export type AppendAudit = (connection: Connection, acts: readonly AuditAct[]) => Promise<void>;

/** @param secret - Of this database; see `audit-chain.ts`. */
export function createAppendAudit(secret: Buffer): AppendAudit {
  return async (connection, acts) => {
    if (acts.length === 0) return;
    const [last = GENESIS] = await connection.query<Pick<AuditRow, 'seq' | 'hash'>>(
      'SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1',
    );
    const rows: AuditRow[] = [];
    for (const act of acts) rows.push(chained(secret, rows.at(-1) ?? last, act));
    await connection.query(
      `INSERT INTO audit_entries (${AUDIT_COLUMNS.join(', ')})
        SELECT ${VALUES.join(', ')} FROM ${connection.dialect.elements('?')} j`,
      [JSON.stringify(rows.map((row) => AUDIT_COLUMNS.map((column) => row[column])))],
    );
  };
}

const VALUES = AUDIT_COLUMNS.map((column, index) => {
  const value = `j.value ->> ${index}`;
  return column === 'seq' ? `CAST(${value} AS bigint)` : value;
});

function chained(secret: Buffer, last: Pick<AuditRow, 'seq' | 'hash'>, act: AuditAct): AuditRow {
  const row = {
    seq: last.seq + 1,
    at: act.at.toISOString(),
    action: act.action,
    actor: sound(act.actor),
    subject: act.subject,
    reason: act.reason === null ? null : sound(act.reason),
    details: JSON.stringify(act.details),
    previous: last.hash,
  };
  return { ...row, hash: hashOf(secret, row) };
}

/** As every database keeps it: with no NUL and no half of a surrogate pair, so that what is read back has the same hash. */
function sound(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\u{FFFD}');
}
