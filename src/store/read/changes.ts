/** Reads the change log. */

import type { Change } from '../../domain/change';
import { LOG_START, type LogPosition, type LogState, toPosition } from '../../domain/cursor';
import { InvariantError } from '../../domain/errors';
import type { Connection, Dialect } from '../database/database';
import { among, type Clause, where } from '../database/where';
import { ChangeEntity } from '../entities/change.entity';
import {
  createConverter,
  createRowReader,
  getNames,
  getPropertyColumns,
} from '../entities/columns';
import { UserEntity } from '../entities/user.entity';
import { groupOne } from './by-id';
import type { ChangeFilter, ChangeOwner } from './filters';
import {
  count,
  countOwned,
  type KeysetColumns,
  type KeysetQuery,
  type Owner,
  ownedBy,
  paginate,
  paginateEach,
} from './pagination';
import type { Reader } from './reader';

interface StateSql {
  readonly head: number;
  readonly head_nonce: number | null;
  readonly floor: string | null;
  readonly floor_nonce: string | null;
  readonly nonce: number | null;
}

/**
 * Setting: `<seq>:<nonce>` of the last trimmed entry. Ignored if `log_floor` differs: a release without nonces has trimmed
 * the log since. A value without a position is the nonce alone.
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

const CAUSE_COLUMNS = ['id', 'cause', 'deliveryId', 'actor', 'mergedUserId'] as const;
const CHANGE = createRowReader(ChangeEntity, 'c', { except: CAUSE_COLUMNS, dates: ['recordedAt'] });
const CAUSE = createRowReader(ChangeEntity, 'c', { only: CAUSE_COLUMNS });
const convertChange = createConverter(ChangeEntity, ['recordedAt']);
const c = getNames(ChangeEntity, 'c');
const o = getNames(UserEntity, 'o');

/** An entry as one JSON value: the driver takes several times as long for a row of columns. */
function changeAsJson({ jsonObject }: Dialect): string {
  return jsonObject([
    ['seq', 'c.id'],
    ...getPropertyColumns(ChangeEntity, 'c', { except: CAUSE_COLUMNS }),
    [
      'cause',
      jsonObject([
        ['kind', 'c.cause'],
        ...getPropertyColumns(ChangeEntity, 'c', { only: ['deliveryId', 'actor', 'mergedUserId'] }),
      ]),
    ],
  ]);
}

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
      const rows = await connection.query<KeysetColumns>(
        'SELECT c.* FROM changes c WHERE c.id IN (?*)',
        [seqs],
      );
      return groupOne(
        seqs,
        rows.map((row) => [row.id, toChange(row)]),
      );
    },

    changes: (filter, page) => paginate(connection, toQuery(filter), page),

    countChanges: (filter) => count(connection, 'changes c', toClauses(filter)),

    changesOf: (owner, ids, page, filter = {}) =>
      paginateEach(
        connection,
        { ...toQuery(filter), from: FROM[owner] },
        page,
        toOwner(owner, ids),
      ),

    countChangesOf: (owner, ids, filter = {}) =>
      countOwned(connection, FROM[owner], toClauses(filter), toOwner(owner, ids)),

    async tail(afterSeq, limit, filter) {
      const { dialect } = connection;
      const { sql, parameters } = where([['c.id > ?', afterSeq], ...toClauses(filter)]);
      // One statement reads one snapshot. The next call finds entries that are committed later, so no entry is skipped.
      const [row] = await connection.query<StateSql & { readonly rows: string | null }>(
        `SELECT ${stateColumns(dialect)}, (SELECT ${dialect.jsonList(changeAsJson(dialect))} FROM
          (SELECT c.* FROM changes c ${sql} ORDER BY c.id LIMIT ?) c) AS rows`,
        [afterSeq, ...parameters, limit],
      );
      const changes = (JSON.parse(row?.rows ?? '[]') as Change[]).map(convertChange);
      const state = toState(row, afterSeq);
      const last = changes.at(-1);
      const full = last !== undefined && changes.length === limit;
      return { changes, state, scannedTo: full ? toPosition(last) : state.head };
    },
  };
}

/** State of the log relative to a position, which is the only parameter. */
function stateColumns({ head }: Dialect): string {
  return `${head} AS head, (SELECT nonce FROM changes WHERE id = ${head}) AS head_nonce,
    (SELECT value FROM settings WHERE name = 'log_floor') AS floor,
    (SELECT value FROM settings WHERE name = '${FLOOR_NONCE}') AS floor_nonce,
    (SELECT nonce FROM changes WHERE id = ?) AS nonce`;
}

function toState(row: StateSql | undefined, seq: number): LogState {
  if (row === undefined) throw new InvariantError('Statement returned no row');
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

/** Includes trimmed entries: positions are never reused. */
async function readHead(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ head: number }>(
    `SELECT ${connection.dialect.head} AS head`,
  );
  return row?.head ?? 0;
}

const FROM: Record<ChangeOwner, string> = {
  user: `users o JOIN changes c ON ${c.userId} = o.id`,
  attempt: 'changes c',
  delivery: 'changes c',
};

function toOwner(owner: ChangeOwner, ids: readonly number[]): Owner {
  if (owner !== 'user') return ownedBy(owner === 'attempt' ? c.attemptId : c.deliveryId, ids);
  return {
    // The history of a user includes the entries of users merged into it.
    expression: `coalesce(${o.mergedInto}, o.id)`,
    clause: [`(o.id IN (?*) OR ${o.mergedInto} IN (?*))`, [ids, ids]],
    ids,
  };
}

function toQuery(filter: ChangeFilter): KeysetQuery<KeysetColumns, Change> {
  return {
    select: 'c.*, c.id AS sort_key',
    from: 'changes c',
    clauses: toClauses(filter),
    sortKey: 'c.id',
    id: 'c.id',
    direction: 'ASC',
    toRow: toChange,
  };
}

function toClauses(filter: ChangeFilter): readonly Clause[] {
  const users = filter.userIds;
  return [
    [`(${c.userId} IN (?*) OR ${c.mergedUserId} IN (?*))`, users && [users, users]],
    ['c.provider = ?', filter.provider],
    [`${c.levelKey} = ?`, filter.levelKey],
    among(c.attemptStatus, filter.attemptStatus),
    among(c.verificationStatus, filter.verificationStatus),
    [
      `(${c.verificationStatus} <> ${c.previousVerificationStatus}) = ?`,
      filter.verificationStatusChanged,
    ],
  ];
}

function toChange(selected: object): Change {
  const { id, cause, deliveryId, actor, mergedUserId } = CAUSE.toRow(selected);
  return Object.assign(CHANGE.toRow(selected), {
    seq: id,
    cause: { kind: cause, deliveryId, actor, mergedUserId },
  });
}
