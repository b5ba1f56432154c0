/** Pages of the levels of users, in the order of their keys. */

import type { Parameter } from './database/database';
import { type Clause, where } from './database/where';
import type { UserLevelFilter, UserLevelPage } from './read/filters';

interface LevelsSql {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** @param alias - Alias of `user_levels`. */
export function levelClauses(alias: string, filter: UserLevelFilter): readonly Clause[] {
  const { provider, status } = filter;
  // A range, because LIKE does not use the index on every engine. `0` follows `/`.
  return [
    [
      `${alias}.level_key > ? AND ${alias}.level_key < ?`,
      provider === undefined ? undefined : [`${provider}/`, `${provider}0`],
    ],
    [`${alias}.status = ?`, status],
  ];
}

/** @param owner - Condition on `o.user_id`. Selects `columns` of one user's page from `user_levels o`. */
export function levelPageSql(
  columns: string,
  owner: string,
  filter: UserLevelFilter,
  { first, after }: UserLevelPage,
): LevelsSql {
  const { sql, parameters } = where([
    [owner, []],
    ...levelClauses('o', filter),
    ['o.level_key > ?', after],
  ]);
  return {
    sql: `SELECT ${columns} FROM user_levels o ${sql} ORDER BY o.level_key LIMIT ${first}`,
    parameters,
  };
}
