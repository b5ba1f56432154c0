/**
 * What holds the entries of the audit log together.
 *
 * The hash of an entry is an HMAC-SHA-256, under a secret of this database, over the UTF-8 of one JSON list:
 * `[previous, seq, at, action, actor, subject, reason, details]`, written as `JSON.stringify` does, with `details` as the
 * very text of the column. A list of texts, numbers and nulls has one such form, and no two lists share one. Each hash
 * holds the one before it, so an entry that is changed, moved, put in or taken out breaks the chain where it stood. The
 * secret lies sealed under the master key: who can only write to the database cannot mend the chain.
 *
 * What no chain shows is that its end was cut off: for this a head is noted somewhere else, and expected later.
 */

import { createHmac } from 'node:crypto';
import type { AuditHead } from '../../domain/audit';

/** An entry as its columns have it. */
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

/** In the order of the hash. */
const HASHED_COLUMNS = ['previous', ...CONTENT] as const;

export const AUDIT_COLUMNS = [...CONTENT, 'previous', 'hash'] as const;

/** What the first entry stands upon. */
export const GENESIS: AuditHead = { seq: 0, hash: '0'.repeat(64) };

export function hashOf(secret: Buffer, row: Omit<AuditRow, 'hash'>): string {
  const encoded = JSON.stringify(HASHED_COLUMNS.map((column) => row[column]));
  return createHmac('sha256', secret).update(encoded).digest('hex');
}
