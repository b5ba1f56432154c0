/** API keys at rest: hashes only. */

import type { DataSource } from 'typeorm';
import { IsNull } from 'typeorm';
import type { Connection } from './connection';
import { ApiKeyEntity } from './entities/api-key.entity';
import type { ApiKeyRow, ApiKeys } from './store';
import { list } from './where';

interface ApiKeySql {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
}

const COLUMNS = 'k.id, k.name, k.prefix, k.scopes, k.created_at, k.revoked_at';

/**
 * @param reading - A connection of its own, so that who asks is known without waiting for the writer.
 * @param transaction - Runs work alone on the writing connection.
 */
export function createApiKeys(
  writing: DataSource,
  reading: Connection,
  transaction: <T>(work: () => Promise<T>) => Promise<T>,
): ApiKeys {
  const keys = writing.getRepository(ApiKeyEntity);
  return {
    create: ({ name, prefix, hash, scopes, now }) =>
      transaction(async () => {
        const createdAt = now.toISOString();
        const key = keys.create({ name, prefix, hash, scopes: JSON.stringify(scopes), createdAt });
        await keys.insert(key);
        return { id: key.id, name, prefix, scopes, createdAt: now, revokedAt: null };
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
          WHERE k.revoked_at IS NULL AND k.id IN (SELECT value FROM json_each(?))`,
        [list(ids) ?? '[]'],
      );
      const held = new Set(live.map(({ id }) => id));
      return new Set(ids.filter((id) => !held.has(id)));
    },

    revoke: (prefix, now) =>
      transaction(async () => {
        const live = { prefix, revokedAt: IsNull() };
        const { affected } = await keys.update(live, { revokedAt: now.toISOString() });
        return (affected ?? 0) > 0;
      }),
  };
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
