/** Verifies the hash chain of the audit log. See `chain.ts`. */

import type { AuditHead } from '../../domain/audit';
import type { Connection } from '../database/database';
import { AUDIT_COLUMNS, type AuditRow, GENESIS, hashOf } from './chain';

export type AuditProof =
  | { readonly ok: true; readonly entries: number; readonly head: AuditHead }
  /** `seq`: number of the first faulty entry. */
  | { readonly ok: false; readonly seq: number; readonly fault: AuditFault };

/**
 * - `MISSING`: the entry does not exist, but later ones do.
 * - `PREVIOUS`: the entry does not continue the one before it.
 * - `HASH`: the content of the entry was changed.
 * - `CUT_OFF`: the log ends before the expected head.
 * - `UNEXPECTED`: the entry is valid, but differs from the expected head.
 */
export type AuditFault = 'MISSING' | 'PREVIOUS' | 'HASH' | 'CUT_OFF' | 'UNEXPECTED';

/** Number of entries per page. */
const CHUNK = 1_000;

/**
 * Reads the whole log in pages, while other processes append to it.
 *
 * @param expected - A head stored earlier, which the chain must contain. Null if unknown.
 */
export async function verifyAudit(
  connection: Connection,
  secret: Buffer,
  expected: AuditHead | null,
): Promise<AuditProof> {
  let head = GENESIS;
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = await connection.query<AuditRow>(
      `SELECT ${AUDIT_COLUMNS.join(', ')} FROM audit_entries WHERE seq > ? ORDER BY seq LIMIT ${CHUNK}`,
      [after],
    );
    for (const row of rows) {
      const fault = findFault(row, head, secret);
      if (fault !== null) return { ok: false, seq: head.seq + 1, fault };
      head = { seq: row.seq, hash: row.hash };
      if (expected?.seq === head.seq && expected.hash !== head.hash) {
        return { ok: false, seq: head.seq, fault: 'UNEXPECTED' };
      }
    }
    after = head.seq;
    if (rows.length < CHUNK) break;
  }
  if (expected !== null && expected.seq > head.seq) {
    return { ok: false, seq: head.seq + 1, fault: 'CUT_OFF' };
  }
  return { ok: true, entries: head.seq, head };
}

function findFault(
  row: AuditRow,
  before: AuditHead,
  secret: Buffer,
): 'MISSING' | 'PREVIOUS' | 'HASH' | null {
  if (row.seq !== before.seq + 1) return 'MISSING';
  if (row.previous !== before.hash) return 'PREVIOUS';
  return hashOf(secret, row) === row.hash ? null : 'HASH';
}

// ── The audit log ───────────────────────────────────────────────────────────────────────────────────────────────────
