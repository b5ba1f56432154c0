/** Reads the levels of users, in the order of their keys. */

import type { Connection, Parameter } from '../database/database';
import { among, type Clause, where } from '../database/where';
import { createRowReader, getNames } from '../entities/columns';
import { UserLevelEntity } from '../entities/user-level.entity';
import { groupAll } from './by-id';
import type { UserLevelFilter, UserLevelPage } from './filters';
import { countOwned, ownedBy } from './pagination';
import type { Reader } from './reader';

const USER_LEVEL = createRowReader(UserLevelEntity, 'v');
const v = getNames(UserLevelEntity, 'v');
const o = getNames(UserLevelEntity, 'o');

/** Condition on `user_levels o` for the levels of `users u`. */
export const LEVELS_OF_USER = `${o.userId} = u.id`;

type UserLevelReader = Pick<Reader, 'levelsOf' | 'levelPagesOf' | 'countLevelsOf'>;

export function createUserLevelReader(connection: Connection): UserLevelReader {
  async function readLevels(
    userIds: readonly number[],
    sql: string,
    parameters: readonly Parameter[],
  ) {
    const rows = await connection.query<object>(
      `SELECT ${USER_LEVEL.select} FROM ${sql}
          ORDER BY ${v.levelKey}`,
      parameters,
    );
    const levels = rows.map(USER_LEVEL.toRow);
    return groupAll(
      userIds,
      levels.map((level) => [level.userId, level]),
    );
  }

  return {
    levelsOf: (userIds) =>
      readLevels(userIds, `user_levels v WHERE ${v.userId} IN (?*)`, [userIds]),

    levelPagesOf(userIds, filter, page) {
      const own = levelPageSql(o.levelKey, filter, page);
      const { sql, parameters } = where([
        [`${v.userId} = u.id`, []],
        among('u.id', userIds),
        ...levelClauses('v', filter),
        [`${v.levelKey} > ?`, page.after],
        [`${v.levelKey} <= (SELECT max(p.${levelKey}) FROM (${own.sql}) p)`, own.parameters],
      ]);
      // A bound per user lets the index supply the page. A window function would number all levels of each user.
      return readLevels(userIds, `users u CROSS JOIN user_levels v ${sql}`, parameters);
    },

    countLevelsOf: (userIds, filter) =>
      countOwned(
        connection,
        'user_levels v',
        levelClauses('v', filter),
        ownedBy(v.userId, userIds),
      ),
  };
}

const { levelKey } = getNames(UserLevelEntity);

/** @param alias - Alias of `user_levels`. */
export function levelClauses(alias: 'o' | 'v', filter: UserLevelFilter): readonly Clause[] {
  const { provider, status } = filter;
  const key = `${alias}.${levelKey}`;
  // A range, because LIKE does not use the index on every engine. `0` follows `/`.
  return [
    [
      `${key} > ? AND ${key} < ?`,
      provider === undefined ? undefined : [`${provider}/`, `${provider}0`],
    ],
    [`${alias}.status = ?`, status],
  ];
}

/** Selects `columns` of one page from `user_levels o`, for a statement that has the user as `u`. */
export function levelPageSql(
  columns: string,
  filter: UserLevelFilter,
  { first, after }: UserLevelPage,
): { readonly sql: string; readonly parameters: readonly Parameter[] } {
  const { sql, parameters } = where([
    [LEVELS_OF_USER, []],
    ...levelClauses('o', filter),
    [`${o.levelKey} > ?`, after],
  ]);
  return {
    sql: `SELECT ${columns} FROM user_levels o ${sql} ORDER BY ${o.levelKey} LIMIT ${first}`,
    parameters,
  };
}
