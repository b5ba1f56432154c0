/** Reads the change log. */

import type { Change, ChangeCauseKind } from '../domain/change';
import type { AttemptStatus, VerificationStatus } from '../domain/status';
import { oneById } from './by-id';
import { count, countOwned } from './count';
import type { Connection, Flag } from './database';
import { CHANGE_COLUMNS } from './graph-rows';
import {
  type KeysetColumns,
  type KeysetQuery,
  keysetPage,
  keysetPages,
  type Owner,
  ownedBy,
} from './keyset';
import { readSetting } from './settings';
import type { ChangeFilter, ChangeOwner, Reader } from './store';
import { among, type Clause, where } from './where';

interface ChangeSql extends KeysetColumns {
  readonly owner: number;
  readonly user_id: number;
  readonly provider: string | null;
  readonly level_key: string | null;
  readonly attempt_id: number | null;
  readonly attempt_status: AttemptStatus | null;
  readonly previous_attempt_status: AttemptStatus | null;
  readonly level_status: VerificationStatus | null;
  readonly previous_level_status: VerificationStatus | null;
  readonly verification_status: VerificationStatus;
  readonly previous_verification_status: VerificationStatus;
  readonly active: Flag;
  readonly previous_active: Flag;
  readonly rejection: string | null;
  readonly cause: ChangeCauseKind;
  readonly delivery_id: number | null;
  readonly actor: string | null;
  readonly merged_user_id: number | null;
  readonly occurred_at: string;
  readonly recorded_at: string;
}

/** A row as one value: a row of values takes the driver several times as long. */
const AS_JSON = CHANGE_COLUMNS.map(([column]) => {
  return [column, column === 'rejection' ? 'CAST(c.rejection AS text)' : `c.${column}`] as const;
});

type ChangeReader = Pick<
  Reader,
  | 'head'
  | 'logFloor'
  | 'changesByIds'
  | 'changes'
  | 'countChanges'
  | 'changesOf'
  | 'countChangesOf'
  | 'tail'
>;

export function createChangeReader(connection: Connection): ChangeReader {
  return {
    head: () => readHead(connection),

    logFloor: async () => Number((await readSetting(connection, 'log_floor')) ?? 0),

    async changesByIds(seqs) {
      const rows = await connection.query<ChangeSql>(
        'SELECT c.* FROM changes c WHERE c.id IN (?*)',
        [seqs],
      );
      return oneById(seqs, rows, ({ id }) => id, toChange);
    },

    changes: (filter, page) => keysetPage(connection, queryOf(filter), page),

    countChanges: (filter) => count(connection, 'changes c', clausesOf(filter)),

    changesOf: (owner, ids, page, filter = {}) =>
      keysetPages(connection, { ...queryOf(filter), from: FROM[owner] }, page, ownerOf(owner, ids)),

    countChangesOf: (owner, ids, filter = {}) =>
      countOwned(connection, FROM[owner], clausesOf(filter), ownerOf(owner, ids)),

    async tail(afterSeq, limit, filter) {
      const { dialect } = connection;
      const { sql, parameters } = where([['c.id > ?', afterSeq], ...clausesOf(filter)]);
      // One statement sees one state: what is committed after it is found by the next call, never stepped over.
      const [row] = await connection.query<{ head: number; rows: string | null }>(
        `SELECT ${dialect.head} AS head, (SELECT ${dialect.jsonList(dialect.jsonObject(AS_JSON))} FROM
          (SELECT c.* FROM changes c ${sql} ORDER BY c.id LIMIT ?) c) AS rows`,
        [...parameters, limit],
      );
      const { head = 0, rows = null } = row ?? {};
      const changes = (JSON.parse(rows ?? '[]') as ChangeSql[]).map(toChange);
      const last = changes.at(-1);
      const full = last !== undefined && changes.length === limit;
      return { changes, scannedTo: full ? last.seq : Math.max(head, afterSeq) };
    },
  };
}

/** Entries that were trimmed still count: positions are never given twice. */
async function readHead(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ head: number }>(
    `SELECT ${connection.dialect.head} AS head`,
  );
  return row?.head ?? 0;
}

const FROM: Record<ChangeOwner, string> = {
  user: 'users o JOIN changes c ON c.user_id = o.id',
  attempt: 'changes c',
  delivery: 'changes c',
};

function ownerOf(owner: ChangeOwner, ids: readonly number[]): Owner {
  if (owner !== 'user') return ownedBy(`c.${owner}_id`, ids);
  return {
    // What was said of a user before it went into another is the other's history too.
    expression: 'coalesce(o.merged_into, o.id)',
    clause: ['(o.id IN (?*) OR o.merged_into IN (?*))', [ids, ids]],
    ids,
  };
}

function queryOf(filter: ChangeFilter): KeysetQuery<ChangeSql, Change> {
  return {
    select: 'c.*, c.id AS sort_key',
    from: 'changes c',
    clauses: clausesOf(filter),
    sortKey: 'c.id',
    id: 'c.id',
    direction: 'ASC',
    toRow: toChange,
  };
}

function clausesOf(filter: ChangeFilter): readonly Clause[] {
  const users = filter.userIds;
  return [
    ['(c.user_id IN (?*) OR c.merged_user_id IN (?*))', users && [users, users]],
    ['c.provider = ?', filter.provider],
    ['c.level_key = ?', filter.levelKey],
    among('c.attempt_status', filter.attemptStatus),
    among('c.verification_status', filter.verificationStatus),
    [
      '(c.verification_status <> c.previous_verification_status) = ?',
      filter.verificationStatusChanged,
    ],
  ];
}

function toChange(sql: ChangeSql): Change {
  return {
    seq: sql.id,
    userId: sql.user_id,
    provider: sql.provider,
    levelKey: sql.level_key,
    attemptId: sql.attempt_id,
    attemptStatus: sql.attempt_status,
    previousAttemptStatus: sql.previous_attempt_status,
    levelStatus: sql.level_status,
    previousLevelStatus: sql.previous_level_status,
    verificationStatus: sql.verification_status,
    previousVerificationStatus: sql.previous_verification_status,
    active: Boolean(sql.active),
    previousActive: Boolean(sql.previous_active),
    rejection: sql.rejection === null ? null : JSON.parse(sql.rejection),
    cause: {
      kind: sql.cause,
      deliveryId: sql.delivery_id,
      actor: sql.actor,
      mergedUserId: sql.merged_user_id,
    },
    occurredAt: sql.occurred_at,
    recordedAt: new Date(sql.recorded_at),
  };
}
