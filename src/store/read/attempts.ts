/** Reads attempts and levels. */

import type { Instant } from '../../domain/instant';
import { toInstantText } from '../../domain/instant';
import type { Level, LevelKey, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Trust } from '../../domain/status';
import type { Connection, Flag } from '../database/database';
import { among, type Clause, oneOf, where } from '../database/where';
import type { AttemptFilter, AttemptOrder, AttemptRow, Reader } from '../store';
import { groupOne } from './by-id';
import { count, countOwned } from './count';
import {
  type KeysetColumns,
  type KeysetQuery,
  ownedBy,
  paginate,
  paginateEach,
} from './pagination';

interface AttemptSql extends KeysetColumns {
  readonly owner: number;
  readonly user_id: number;
  readonly kind: SubjectKind;
  readonly level_key: string;
  readonly provider: string;
  readonly number: number;
  readonly attempt_ref: string | null;
  readonly status: AttemptStatus;
  readonly provider_status: string;
  readonly rejection: string | null;
  readonly review_reasons: string;
  readonly trust: Trust;
  readonly sandbox: Flag;
  readonly started_at: Instant;
  readonly updated_at: Instant;
  readonly decided_at: Instant | null;
}

/** An attempt is of the kind of its account. */
export const ATTEMPT_KIND = '(SELECT i.kind FROM identities i WHERE i.id = a.identity_id)';
const COLUMNS = `a.id, a.user_id, ${ATTEMPT_KIND} AS kind, a.level_key, l.provider, a.number, a.attempt_ref, a.status, a.provider_status,
  a.rejection, a.review_reasons, a.trust, a.sandbox, a.started_at, a.updated_at, a.decided_at`;
/** Attempts first: they are what is chosen and put in order. */
const FROM = 'attempts a CROSS JOIN levels l';
const JOINED: Clause = ['l.key = a.level_key', []];

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
      const rows = await connection.query<AttemptSql>(
        `SELECT ${COLUMNS} FROM ${FROM} WHERE l.key = a.level_key AND a.id IN (?*)`,
        [ids],
      );
      return groupOne(ids, rows, ({ id }) => id, toAttemptRow);
    },

    attempts: (filter, order, page) => paginate(connection, attemptQuery(filter, order), page),

    countAttempts: (filter) => count(connection, FROM, clausesOf(filter)),

    attemptsOf: (userIds, filter, order, page) =>
      paginateEach(connection, attemptQuery(filter, order), page, ownedBy('a.user_id', userIds)),

    countAttemptsOf: (userIds, filter) =>
      countOwned(connection, FROM, clausesOf(filter), ownedBy('a.user_id', userIds)),

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
        rows,
        (row) => row.key,
        ({ key: _, ...level }) => level,
      );
    },
  };
}

const SORT_KEYS = { STARTED_AT: 'a.started_at', UPDATED_AT: 'a.updated_at' } as const;

/** @param further - Conditions beside those of the filter. */
export function attemptQuery(
  filter: AttemptFilter,
  order: AttemptOrder,
  further: readonly Clause[] = [],
): KeysetQuery<AttemptSql, AttemptRow> {
  return {
    select: `${COLUMNS}, ${SORT_KEYS[order.field]} AS sort_key`,
    from: FROM,
    clauses: [...further, ...clausesOf(filter)],
    sortKey: SORT_KEYS[order.field],
    id: 'a.id',
    direction: order.direction,
    toRow: toAttemptRow,
  };
}

function clausesOf(filter: AttemptFilter): readonly Clause[] {
  const moment = (date: Date | undefined) => date && toInstantText(date);
  return [
    JOINED,
    among('a.user_id', filter.userIds),
    ['l.provider = ?', filter.provider],
    ['a.level_key = ?', filter.levelKey],
    ['l.kind = ?', filter.levelKind],
    [`${ATTEMPT_KIND} = ?`, filter.kind],
    oneOf('a.status', filter.status),
    ['a.sandbox = ?', filter.sandbox],
    ['a.started_at >= ?', moment(filter.startedFrom)],
    ['a.started_at < ?', moment(filter.startedBefore)],
    ['a.updated_at >= ?', moment(filter.updatedFrom)],
    ['a.updated_at < ?', moment(filter.updatedBefore)],
  ];
}

function toAttemptRow(sql: AttemptSql): AttemptRow {
  return {
    id: sql.id,
    userId: sql.user_id,
    kind: sql.kind,
    levelKey: sql.level_key,
    provider: sql.provider,
    number: sql.number,
    attemptRef: sql.attempt_ref,
    status: sql.status,
    providerStatus: sql.provider_status,
    rejection: sql.rejection === null ? null : JSON.parse(sql.rejection),
    reviewReasons: JSON.parse(sql.review_reasons),
    trust: sql.trust,
    sandbox: Boolean(sql.sandbox),
    startedAt: sql.started_at,
    updatedAt: sql.updated_at,
    decidedAt: sql.decided_at,
  };
}
