/** Reads the change log. */

import type { Change, ChangeCauseKind } from '../../domain/change';
import { LOG_START, type LogPosition, type LogState, toPosition } from '../../domain/cursor';
import type { AttemptStatus, VerificationStatus } from '../../domain/status';
import type { Connection, Dialect, Flag } from '../database/database';
import { among, type Clause, where } from '../database/where';
import { CHANGE_COLUMNS } from '../entities/columns';
import type { ChangeFilter, ChangeOwner, Reader } from '../store';
import { groupOne } from './by-id';
import { count, countOwned } from './count';
import {
  type KeysetColumns,
  type KeysetQuery,
  type Owner,
  ownedBy,
  paginate,
  paginateEach,
} from './pagination';

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
  readonly nonce: number;
}

interface StateSql {
  readonly head: number;
  readonly head_nonce: number | null;
  readonly floor: string | null;
  readonly floor_nonce: string | null;
  readonly nonce: number | null;
}

/**
 * Setting `<seq>:<nonce>` of the last entry that has been trimmed. It does not apply if `log_floor` differs: then a release
 * without nonces has trimmed since. A value without a position is the nonce alone.
 */
export const FLOOR_NONCE = 'log_floor_nonce';

export function encodeFloorNonce({ seq, nonce }: LogPosition): string {
  return `${seq}:${nonce}`;
}

function decodeFloorNonce(value: string, floor: number): number | null {
  const [first, nonce] = value.split(':');
  if (nonce === undefined) return Number(first);
  return Number(first) === floor ? Number(nonce) : null;
}

/** A row as one value: a row of values takes the driver several times as long. */
const AS_JSON = CHANGE_COLUMNS.map(([column]) => {
  return [column, column === 'rejection' ? 'CAST(c.rejection AS text)' : `c.${column}`] as const;
});

type ChangeReader = Pick<
  Reader,
  | 'head'
  | 'logState'
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

    async logState(seq) {
      const [row] = await connection.query<StateSql>(`SELECT ${stateColumns(connection.dialect)}`, [
        seq ?? 0,
      ]);
      const state = toState(row, seq ?? 0);
      return seq === undefined ? { ...state, nonce: state.head.nonce } : state;
    },

    async changesByIds(seqs) {
      const rows = await connection.query<ChangeSql>(
        'SELECT c.* FROM changes c WHERE c.id IN (?*)',
        [seqs],
      );
      return groupOne(seqs, rows, ({ id }) => id, toChange);
    },

    changes: (filter, page) => paginate(connection, queryOf(filter), page),

    countChanges: (filter) => count(connection, 'changes c', clausesOf(filter)),

    changesOf: (owner, ids, page, filter = {}) =>
      paginateEach(
        connection,
        { ...queryOf(filter), from: FROM[owner] },
        page,
        ownerOf(owner, ids),
      ),

    countChangesOf: (owner, ids, filter = {}) =>
      countOwned(connection, FROM[owner], clausesOf(filter), ownerOf(owner, ids)),

    async tail(afterSeq, limit, filter) {
      const { dialect } = connection;
      const { sql, parameters } = where([['c.id > ?', afterSeq], ...clausesOf(filter)]);
      // One statement sees one state: what is committed after it is found by the next call, never stepped over.
      const [row] = await connection.query<StateSql & { readonly rows: string | null }>(
        `SELECT ${stateColumns(dialect)}, (SELECT ${dialect.jsonList(dialect.jsonObject(AS_JSON))} FROM
          (SELECT c.* FROM changes c ${sql} ORDER BY c.id LIMIT ?) c) AS rows`,
        [afterSeq, ...parameters, limit],
      );
      const changes = (JSON.parse(row?.rows ?? '[]') as ChangeSql[]).map(toChange);
      const state = toState(row, afterSeq);
      const last = changes.at(-1);
      const full = last !== undefined && changes.length === limit;
      return { changes, state, scannedTo: full ? toPosition(last) : state.head };
    },
  };
}

/** The log as seen from a position, the one parameter. */
function stateColumns({ head }: Dialect): string {
  return `${head} AS head, (SELECT nonce FROM changes WHERE id = ${head}) AS head_nonce,
    (SELECT value FROM settings WHERE name = 'log_floor') AS floor,
    (SELECT value FROM settings WHERE name = '${FLOOR_NONCE}') AS floor_nonce,
    (SELECT nonce FROM changes WHERE id = ?) AS nonce`;
}

function toState(row: StateSql | undefined, seq: number): LogState {
  if (row === undefined) throw new Error('a statement without FROM has a row');
  const floorSeq = Number(row.floor ?? 0);
  const floor = {
    seq: floorSeq,
    nonce: row.floor_nonce === null ? null : decodeFloorNonce(row.floor_nonce, floorSeq),
  };
  const known = [LOG_START, floor];
  const nonceAt = (position: number) => known.find((each) => each.seq === position)?.nonce ?? null;
  return {
    floor: floor.seq === 0 ? LOG_START : floor,
    head: { seq: row.head, nonce: row.head_nonce ?? nonceAt(row.head) },
    nonce: row.nonce ?? nonceAt(seq),
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
    nonce: sql.nonce,
  };
}
