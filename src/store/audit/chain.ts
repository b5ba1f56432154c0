/**
 * Hash chain of the audit log.
 *
 * The hash of an entry is an HMAC-SHA-256, under a secret of this database, over the UTF-8 of one JSON list:
 * `[previous, seq, at, action, actor, subject, reason, details]`, formatted by `JSON.stringify`, with `details` as the text of the
 * column. A list of strings, numbers and nulls has exactly one such form, and no two lists share one. Each hash includes the previous
 * one, so a changed, moved, inserted or deleted entry breaks the chain at its position. The secret is encrypted with the master key:
 * write access to the database is not enough to repair the chain.
 *
 * A chain cannot show that its end was cut off. To detect that, store a head elsewhere and compare it later.
 */

import { createHmac } from 'node:crypto';
import type { AuditHead } from '../../domain/audit';

/** Row of an entry. */
export interface AuditRow {
  readonly seq: number;
  readonly at: string;
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly reason: string | null;
  readonly details: string;
  readonly previous: string;
  readonly hash: string;
}

const CONTENT = [
  'seq',
  'at',
  'action',
  'actor',
  'subject',
  'reason',
  'details',
] as const satisfies readonly (keyof AuditRow)[];

/** Columns in the order in which they are hashed. */
const HASHED_COLUMNS = ['previous', ...CONTENT] as const;

export const AUDIT_COLUMNS = [...CONTENT, 'previous', 'hash'] as const;

/** Predecessor of the first entry. */
export const GENESIS: AuditHead = { seq: 0, hash: '0'.repeat(64) };

export function hashOf(secret: Buffer, row: Omit<AuditRow, 'hash'>): string {
  const encoded = JSON.stringify(HASHED_COLUMNS.map((column) => row[column]));
  return createHmac('sha256', secret).update(encoded).digest('hex');
}
