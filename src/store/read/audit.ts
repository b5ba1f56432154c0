/** Reads the audit log. */

import type { AuditAction, AuditEntry } from '../../domain/audit';
import { AUDIT_COLUMNS, type AuditRow } from '../audit/chain';
import type { Connection } from '../database/database';
import { type Clause, oneOf } from '../database/where';
import { groupOne } from './by-id';
import type { AuditFilter } from './filters';
import { count, type KeysetColumns, paginate } from './pagination';
import type { Reader } from './reader';

type AuditReader = Pick<Reader, 'auditEntries' | 'auditEntriesByIds' | 'countAuditEntries'>;
type AuditSql = AuditRow & KeysetColumns;

const COLUMNS = ['seq AS id', ...AUDIT_COLUMNS].map((column) => `e.${column}`).join(', ');

export function createAuditReader(connection: Connection): AuditReader {
  return {
    async auditEntriesByIds(seqs) {
      const rows = await connection.query<AuditSql>(
        `SELECT ${COLUMNS} FROM audit_entries e WHERE e.seq IN (?*)`,
        [seqs],
      );
      return groupOne(
        seqs,
        rows.map((row) => [row.seq, toEntry(row)]),
      );
    },

    auditEntries: (filter, page) =>
      paginate<AuditSql, AuditEntry>(
        connection,
        {
          select: `${COLUMNS}, e.at AS sort_key`,
          from: 'audit_entries e',
          clauses: toClauses(filter),
          sortKey: 'e.at',
          id: 'e.seq',
          direction: 'DESC',
          toRow: toEntry,
        },
        page,
      ),

    countAuditEntries: (filter) => count(connection, 'audit_entries e', toClauses(filter)),
  };
}

function toClauses(filter: AuditFilter): readonly Clause[] {
  return [
    oneOf('e.action', filter.action),
    ['e.actor = ?', filter.actor],
    ['e.subject = ?', filter.subject],
    ['e.at >= ?', filter.from?.toISOString()],
    ['e.at < ?', filter.before?.toISOString()],
  ];
}

function toEntry(sql: AuditSql): AuditEntry {
  return {
    seq: sql.seq,
    at: new Date(sql.at),
    action: sql.action as AuditAction, // `appendAudit` alone writes entries and takes no other actions
    actor: sql.actor,
    subject: sql.subject,
    reason: sql.reason,
    details: JSON.parse(sql.details),
    previous: sql.previous,
    hash: sql.hash,
  };
}
