/** Reads users. */

import { toInstantText } from '../../domain/instant';
import type { Connection } from '../database/database';
import { among, type Clause, oneOf } from '../database/where';
import { createRowReader, getNames } from '../entities/columns';
import { IdentityEntity } from '../entities/identity.entity';
import { UserEntity } from '../entities/user.entity';
import { UserLevelEntity } from '../entities/user-level.entity';
import { groupOne } from './by-id';
import type { UserFilter, UserOrder } from './filters';
import { count, type KeysetColumns, type KeysetQuery, paginate } from './pagination';
import type { Reader, UserRow } from './reader';

const USER = createRowReader(UserEntity, 'u', {
  except: ['mergedInto'],
  dates: ['erasedAt', 'createdAt', 'updatedAt'],
});
const u = getNames(UserEntity, 'u');
const i = getNames(IdentityEntity, 'i');
const v = getNames(UserLevelEntity, 'v');
const { externalUserId, mergedInto } = getNames(UserEntity);

/** Joins the live user `u` to a user `asked`. */
export const FOLLOW_MERGE = `u.id = coalesce(asked.${mergedInto}, asked.id)`;

type UserReader = Pick<
  Reader,
  | 'usersByIds'
  | 'userByExternalId'
  | 'userByIdentity'
  | 'userIdsMergedInto'
  | 'externalIdsOf'
  | 'users'
  | 'countUsers'
>;

export function createUserReader(connection: Connection): UserReader {
  async function findUser(sql: string, values: readonly string[]): Promise<UserRow | null> {
    const [row] = await connection.query<object>(`SELECT ${USER.select} FROM ${sql}`, values);
    return row === undefined ? null : toUserRow(row);
  }

  return {
    async usersByIds(ids) {
      const rows = await connection.query<{ asked: number }>(
        `SELECT asked.id AS asked, ${USER.select} FROM users asked
          JOIN users u ON ${FOLLOW_MERGE}
          WHERE asked.id IN (?*)`,
        [ids],
      );
      return groupOne(
        ids,
        rows.map((row) => [row.asked, toUserRow(row)]),
      );
    },

    userByExternalId: (id) =>
      findUser(
        `users asked JOIN users u ON ${FOLLOW_MERGE}
          WHERE asked.${externalUserId} = ?`,
        [id],
      ),

    userByIdentity: (provider, subjectRef) =>
      findUser(
        `identities i JOIN users u ON u.id = ${i.userId}
          WHERE i.provider = ? AND ${i.subjectRef} = ?`,
        [provider, subjectRef],
      ),

    async userIdsMergedInto(userId) {
      const rows = await connection.query<{ id: number }>(
        `SELECT id FROM users WHERE ${mergedInto} = ? ORDER BY id`,
        [userId],
      );
      return [userId, ...rows.map(({ id }) => id)];
    },

    externalIdsOf: (userIds) =>
      connection.query(
        `SELECT ${externalUserId} AS "externalUserId", coalesce(${mergedInto}, id) AS "userId" FROM users
            WHERE id IN (?*) AND ${externalUserId} IS NOT NULL
          UNION ALL SELECT ${externalUserId}, ${mergedInto} FROM users
            WHERE ${mergedInto} IN (?*) AND ${externalUserId} IS NOT NULL`,
        [userIds, userIds],
      ),

    users: (filter, order, page) => paginate(connection, userQuery(filter, order), page),

    countUsers: (filter) => count(connection, 'users u', toClauses(filter)),
  };
}

/** @returns `undefined` if no user ever had this ID. */
export async function resolveUser(
  connection: Connection,
  userId: number,
): Promise<{ readonly id: number; readonly erased: boolean } | undefined> {
  const { erasedAt } = getNames(UserEntity);
  const [row] = await connection.query<{ id: number; erasedAt: string | null }>(
    `SELECT coalesce(${mergedInto}, id) AS id, ${erasedAt} AS "erasedAt" FROM users WHERE id = ?`,
    [userId],
  );
  return row && { id: row.id, erased: row.erasedAt !== null };
}

const SORT_KEYS = { CREATED_AT: u.createdAt, UPDATED_AT: u.updatedAt } as const;

/** @param extra - Conditions in addition to the filter. */
export function userQuery(
  filter: UserFilter,
  order: UserOrder,
  extra: readonly Clause[] = [],
): KeysetQuery<KeysetColumns, UserRow> {
  return {
    select: `${USER.select}, ${SORT_KEYS[order.field]} AS sort_key`,
    from: 'users u',
    clauses: [...extra, ...toClauses(filter)],
    sortKey: SORT_KEYS[order.field],
    id: 'u.id',
    direction: order.direction,
    toRow: toUserRow,
  };
}

function toClauses(filter: UserFilter): readonly Clause[] {
  return [
    [`${u.mergedInto} IS NULL`, []],
    among('u.id', filter.ids),
    oneOf(u.verificationStatus, filter.verificationStatus),
    [`${u.externalUserId} = ?`, filter.externalUserId],
    [
      `EXISTS (SELECT 1 FROM identities i WHERE ${i.userId} = u.id AND i.provider = ?)`,
      filter.provider,
    ],
    [
      `EXISTS (SELECT 1 FROM user_levels v WHERE ${v.userId} = u.id AND ${v.levelKey} = ?)`,
      filter.levelKey,
    ],
    ['u.kind = ?', filter.kind],
    ['u.active = ?', filter.active],
    [`${u.createdAt} >= ?`, filter.createdFrom?.toISOString()],
    [`${u.createdAt} < ?`, filter.createdBefore?.toISOString()],
    [`${u.updatedAt} >= ?`, filter.updatedFrom?.toISOString()],
    [`${u.updatedAt} < ?`, filter.updatedBefore?.toISOString()],
  ];
}

/** Rows of older releases have no `statusSince`. */
function toUserRow(selected: object): UserRow {
  const user = USER.toRow(selected);
  const statusSince = user.statusSince ?? toInstantText(user.createdAt);
  return Object.assign(user, { statusSince });
}
