/** Appends to the audit log. Each entry commits with its action, so that neither exists without the other. */

import type { AuditAct } from '../../domain/audit';
import type { Connection } from '../database/database';
import { AUDIT_COLUMNS, type AuditRow, GENESIS, hashOf } from './chain';

/**
 * Appends entries in order. Called as the last step of a transaction on the writing connection. No other transaction writes at the
 * same time (SQLite allows one writer, PostgreSQL locks `sequencer`), so the chain has one end with any number of instances.
 */
export type AppendAudit = (connection: Connection, acts: readonly AuditAct[]) => Promise<void>;

/** @param secret - Audit secret of this database. See `chain.ts`. */
export function createAppendAudit(secret: Buffer): AppendAudit {
  return async (connection, acts) => {
    if (acts.length === 0) return;
    const [last = GENESIS] = await connection.query<Pick<AuditRow, 'seq' | 'hash'>>(
      'SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1',
    );
    const rows: AuditRow[] = [];
    for (const act of acts) rows.push(toRow(secret, rows.at(-1) ?? last, act));
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

function toRow(secret: Buffer, last: Pick<AuditRow, 'seq' | 'hash'>, act: AuditAct): AuditRow {
  const row = {
    seq: last.seq + 1,
    at: act.at.toISOString(),
    action: act.action,
    actor: toStorable(act.actor),
    subject: act.subject,
    reason: act.reason === null ? null : toStorable(act.reason),
    details: JSON.stringify(act.details),
    previous: last.hash,
  };
  return { ...row, hash: hashOf(secret, row) };
}

/** Replaces NUL and lone surrogates, which not every database stores, so that the text read back has the same hash. */
function toStorable(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\u{FFFD}');
}
