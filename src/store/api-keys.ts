/** Stored API keys, as hashes. */

import type { AuditAct } from '../domain/audit';
import { InvariantError } from '../domain/errors';
import type { AppendAudit } from './audit/append';
import type { Connection } from './database/database';
import type { Transact } from './database/transaction';

export interface ApiKeys {
  /** @param input - `hash` is the SHA-256 of the key, in hexadecimal. */
  create(input: {
    readonly name: string;
    readonly prefix: string;
    readonly hash: string;
    readonly scopes: readonly string[];
    /** Actor in the audit log. See `AuditAct.actor`. */
    readonly auditActor: string;
    readonly now: Date;
  }): Promise<ApiKeyRow>;

  /** Returns all keys, in the order of creation. */
  list(): Promise<readonly ApiKeyRow[]>;

  findByHash(hash: string): Promise<ApiKeyRow | null>;

  /** Returns those of the keys that are revoked or do not exist. */
  revokedAmong(ids: readonly number[]): Promise<ReadonlySet<number>>;

  /**
   * Revokes a key. Returns whether there was a live key with this prefix.
   *
   * @param prefix - Public part of the key.
   * @param auditActor - Actor in the audit log. See `AuditAct.actor`.
   */
  revoke(prefix: string, auditActor: string, now: Date): Promise<boolean>;
}

export interface ApiKeyRow {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

interface ApiKeySql {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
}

const COLUMNS = 'k.id, k.name, k.prefix, k.scopes, k.created_at, k.revoked_at';

/** @param reading - Connection other than the writing one, so that authentication does not wait for writes. */
export function createApiKeys(
  reading: Connection,
  transaction: Transact,
  appendAudit: AppendAudit,
): ApiKeys {
  return {
    create: ({ name, prefix, hash, scopes, auditActor, now }) =>
      transaction(async (writing) => {
        const [row] = await writing.query<{ id: number }>(
          `INSERT INTO api_keys (name, prefix, hash, scopes, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id`,
          [name, prefix, hash, JSON.stringify(scopes), now.toISOString()],
        );
        if (row === undefined) throw new InvariantError('Insert returned no row');
        const key = { id: row.id, name, prefix, scopes, createdAt: now, revokedAt: null };
        await appendAudit(writing, [toAct('API_KEY_CREATED', key, auditActor, now)]);
        return key;
      }),

    async list() {
      const rows = await reading.query<ApiKeySql>(
        `SELECT ${COLUMNS} FROM api_keys k ORDER BY k.id`,
      );
      return rows.map(toRow);
    },

    async findByHash(hash) {
      const [row] = await reading.query<ApiKeySql>(
        `SELECT ${COLUMNS} FROM api_keys k WHERE k.hash = ?`,
        [hash],
      );
      return row === undefined ? null : toRow(row);
    },

    async revokedAmong(ids) {
      const live = await reading.query<{ id: number }>(
        `SELECT k.id FROM api_keys k
          WHERE k.revoked_at IS NULL AND k.id IN (?*)`,
        [ids],
      );
      const liveIds = new Set(live.map(({ id }) => id));
      return new Set(ids.filter((id) => !liveIds.has(id)));
    },

    revoke: (prefix, auditActor, now) =>
      transaction(async (writing) => {
        const revoked = await writing.query<ApiKeySql>(
          'UPDATE api_keys SET revoked_at = ? WHERE prefix = ? AND revoked_at IS NULL RETURNING *',
          [now.toISOString(), prefix],
        );
        const acts = revoked.map((row) => toAct('API_KEY_REVOKED', toRow(row), auditActor, now));
        await appendAudit(writing, acts);
        return revoked.length > 0;
      }),
  };
}

function toAct(
  action: 'API_KEY_CREATED' | 'API_KEY_REVOKED',
  { id, name, prefix, scopes }: ApiKeyRow,
  actor: string,
  at: Date,
): AuditAct {
  const details = { name, prefix, scopes: scopes.join(' ') };
  return { action, actor, subject: `ApiKey:${id}`, reason: null, details, at };
}

function toRow(sql: ApiKeySql): ApiKeyRow {
  return {
    id: sql.id,
    name: sql.name,
    prefix: sql.prefix,
    scopes: JSON.parse(sql.scopes),
    createdAt: new Date(sql.created_at),
    revokedAt: sql.revoked_at === null ? null : new Date(sql.revoked_at),
  };
}
