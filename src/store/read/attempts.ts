/** Reads attempts and levels. */

import { toInstantText } from '../../domain/instant';
import type { Level, LevelKey } from '../../domain/level';
import type { Connection } from '../database/database';
import { among, type Clause, oneOf, where } from '../database/where';
import { AttemptEntity } from '../entities/attempt.entity';
import { createRowReader, getNames, type RowReader } from '../entities/columns';
import { groupOne } from './by-id';
import type { AttemptFilter, AttemptOrder } from './filters';
import {
  count,
  countOwned,
  type KeysetColumns,
  type KeysetQuery,
  ownedBy,
  paginate,
  paginateEach,
} from './pagination';
import type { AttemptRow, Reader } from './reader';

const a = getNames(AttemptEntity, 'a');

/** An attempt has the kind of its identity. */
export const ATTEMPT_KIND = `(SELECT i.kind FROM identities i WHERE i.id = ${a.identityId})`;

const ATTEMPT: RowReader<AttemptRow> = createRowReader(AttemptEntity, 'a', {
  except: ['identityId'],
  computed: { kind: ATTEMPT_KIND, provider: 'l.provider' },
});

/** Attempts first: the filter and the order apply to them. */
const FROM = 'attempts a CROSS JOIN levels l';
const JOIN = `l.key = ${a.levelKey}`;

type AttemptReader = Pick<
  Reader,
  | 'attemptsByIds'
  | 'attempts'
  | 'countAttempts'
  | 'attemptsOf'
  | 'countAttemptsOf'
  | 'levels'
  | 'levelsByKeys'
>;

export function createAttemptReader(connection: Connection): AttemptReader {
  return {
    async attemptsByIds(ids) {
      const rows = await connection.query<KeysetColumns>(
        `SELECT ${ATTEMPT.select} FROM ${FROM} WHERE ${JOIN} AND a.id IN (?*)`,
        [ids],
      );
      return groupOne(
        ids,
        rows.map((row) => [row.id, ATTEMPT.toRow(row)]),
      );
    },

    attempts: (filter, order, page) => paginate(connection, attemptQuery(filter, order), page),

    countAttempts: (filter) => count(connection, FROM, toClauses(filter)),

    attemptsOf: (userIds, filter, order, page) =>
      paginateEach(connection, attemptQuery(filter, order), page, ownedBy(a.userId, userIds)),

    countAttemptsOf: (userIds, filter) =>
      countOwned(connection, FROM, toClauses(filter), ownedBy(a.userId, userIds)),

    async levels(provider) {
      const { sql, parameters } = where([['l.provider = ?', provider ?? undefined]]);
      return await connection.query<Level>(
        `SELECT l.provider, l.name, l.kind FROM levels l ${sql} ORDER BY l.key`,
        parameters,
      );
    },

    async levelsByKeys(keys) {
      const rows = await connection.query<Level & { key: LevelKey }>(
        'SELECT l.key, l.provider, l.name, l.kind FROM levels l WHERE l.key IN (?*)',
        [keys],
      );
      return groupOne(
        keys,
        rows.map(({ key, ...level }) => [key, level]),
      );
    },
  };
}

const SORT_KEYS = { STARTED_AT: a.startedAt, UPDATED_AT: a.updatedAt } as const;

/** @param extra - Conditions in addition to the filter. */
export function attemptQuery(
  filter: AttemptFilter,
  order: AttemptOrder,
  extra: readonly Clause[] = [],
): KeysetQuery<KeysetColumns, AttemptRow> {
  return {
    select: `${ATTEMPT.select}, ${SORT_KEYS[order.field]} AS sort_key`,
    from: FROM,
    clauses: [...extra, ...toClauses(filter)],
    sortKey: SORT_KEYS[order.field],
    id: 'a.id',
    direction: order.direction,
    toRow: ATTEMPT.toRow,
  };
}

function toClauses(filter: AttemptFilter): readonly Clause[] {
  const moment = (date: Date | undefined) => date && toInstantText(date);
  return [
    [JOIN, []],
    among(a.userId, filter.userIds),
    ['l.provider = ?', filter.provider],
    [`${a.levelKey} = ?`, filter.levelKey],
    ['l.kind = ?', filter.levelKind],
    [`${ATTEMPT_KIND} = ?`, filter.kind],
    oneOf('a.status', filter.status),
    ['a.sandbox = ?', filter.sandbox],
    [`${a.startedAt} >= ?`, moment(filter.startedFrom)],
    [`${a.startedAt} < ?`, moment(filter.startedBefore)],
    [`${a.updatedAt} >= ?`, moment(filter.updatedFrom)],
    [`${a.updatedAt} < ?`, moment(filter.updatedBefore)],
  ];
}
