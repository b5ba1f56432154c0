/** Proves the chain of the audit log, entry by entry. See `audit-chain.ts`. */

import type { AuditHead } from '../../domain/audit';
import type { Connection } from '../database/database';
import { AUDIT_COLUMNS, type AuditRow, GENESIS, hashOf } from './chain';

/** Entries read at a time. */
const CHUNK = 1_000;

/**
 * Walks the whole log in pages, beside whoever adds to it.
 *
 * @param expected - A head that was noted earlier, perhaps `null`: the chain must go through it.
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
      const fault = faultOf(row, head, secret);
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

function faultOf(
  row: AuditRow,
  before: AuditHead,
  secret: Buffer,
): 'MISSING' | 'PREVIOUS' | 'HASH' | null {
  if (row.seq !== before.seq + 1) return 'MISSING';
  if (row.previous !== before.hash) return 'PREVIOUS';
  return hashOf(secret, row) === row.hash ? null : 'HASH';
}

// ── The audit log ───────────────────────────────────────────────────────────────────────────────────────────────────
export type AuditProof =
  | { readonly ok: true; readonly entries: number; readonly head: AuditHead }
  /** `seq`: the first entry that does not stand as it was written. */
  | { readonly ok: false; readonly seq: number; readonly fault: AuditFault };

/**
 * `MISSING`: there is none of this number, but later ones; `PREVIOUS`: it follows upon another entry than the one before it;
 * `HASH`: its content is not what was written; `CUT_OFF`: the log ends before it, though it was longer once; `UNEXPECTED`:
 * it is sound, and another one than was expected.
 */
export type AuditFault = 'MISSING' | 'PREVIOUS' | 'HASH' | 'CUT_OFF' | 'UNEXPECTED';
