/**
 * Writes what has changed in a graph, in one call: a function that exists on the writing connection alone, with a list per
 * statement. It is made by the program that calls it, so gateways of two versions can run side by side on one database.
 *
 * **The order of the log.** An entry is numbered before it is committed, and with many writers the numbers would become
 * visible out of order: a reader that has seen 7 would never see 6 come. So whoever writes holds the one row of `sequencer`
 * locked, from before it looks up the highest number in use until its commit. The lock is let go only after the commit is
 * visible, hence whoever takes it next numbers on from there, and every view of the data that holds an entry holds all
 * before it: numbers without holes, in the order of commit. The highest number is a column of that row, not a sequence,
 * whose numbers would be lost by a rollback.
 *
 * A group is loaded and applied in two ways. Under the lock: `begin` takes it, and each statement after that sees all that
 * was committed (READ COMMITTED, a view per statement). Or ahead of it, so that the lock is held for the save alone: then
 * `version` says from when the data was loaded, and the save takes the lock and goes on only if nobody has written since.
 */

import { LEVEL_KINDS } from '../../domain/level';
import type { Scalar } from '../database';
import { type Graph, type IdentityNode, TABLES, type UserNode } from '../graph';
import {
  ATTEMPT_COLUMNS,
  CHANGE_COLUMNS,
  type Column,
  CREDENTIAL_COLUMNS,
  DELIVERY_COLUMNS,
  dirtyIdentities,
  dirtyLevels,
  dirtyUsers,
  EVENT_COLUMNS,
  IDENTITY_COLUMNS,
  isHeld,
  KEY_COLUMNS,
  LEVEL_COLUMNS,
  USER_COLUMNS,
  USER_LEVEL_COLUMNS,
} from '../graph-rows';
import { OUTDATED } from './contention';
import type { Session } from './session';

interface GraphStatement {
  /** @param list - The name of the parameter that holds the rows: a JSON list. */
  readonly sql: (list: string) => string;
  readonly rowsOf: (graph: Graph) => readonly unknown[];
}

// ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Columns take their types from the table: the JSON says what goes where by name. */
function insertion<Row>(
  table: string,
  columns: readonly Column<Row>[],
  rowsOf: (graph: Graph) => readonly Row[],
  onConflict = '',
): GraphStatement {
  const names = columns.map(([name]) => name).join(', ');
  return {
    sql: (list) =>
      `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${table}, ${list}) ${onConflict}`,
    rowsOf: (graph) => rowsOf(graph).map((row) => toObject(columns, row)),
  };
}

function toObject<Row>(columns: readonly Column<Row>[], row: Row): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, read] of columns) {
    const value = read(row);
    object[name] = Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : value;
  }
  return object;
}

/** Overwrites a row that is there already: all of the columns but the key. */
function update<Row>(key: readonly string[], columns: readonly Column<Row>[]): string {
  const rest = columns.map(([name]) => name).filter((name) => !key.includes(name));
  const assignments = rest.map((name) => `${name} = excluded.${name}`);
  return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`;
}

const deletion = (table: string, rowsOf: (graph: Graph) => Iterable<number>): GraphStatement => ({
  sql: (list) =>
    `DELETE FROM ${table} WHERE id IN (SELECT value::text::bigint FROM json_array_elements(${list}))`,
  rowsOf: (graph) => [...rowsOf(graph)],
});

/** Whoever was merged into a user that is now merged itself follows, so that one step always finds the survivor. */
const MERGES: GraphStatement = {
  sql: (list) =>
    `UPDATE users SET merged_into = (j.value ->> 1)::bigint FROM json_array_elements(${list}) j
      WHERE users.merged_into = (j.value ->> 0)::bigint`,
  rowsOf: (graph) =>
    dirtyUsers(graph)
      .filter((user) => user.mergedInto !== null)
      .map((user: UserNode) => [user.id, user.mergedInto]),
};

const REPEATS: GraphStatement = {
  sql: (list) =>
    `UPDATE deliveries SET duplicates = duplicates + (j.value ->> 1)::bigint FROM json_array_elements(${list}) j
      WHERE deliveries.id = (j.value ->> 0)::bigint`,
  rowsOf: (graph) => [...graph.repeats],
};

const MOVED_ATTEMPTS: GraphStatement = {
  sql: (list) =>
    `UPDATE attempts SET user_id = (j.value ->> 1)::bigint FROM json_array_elements(${list}) j
      WHERE attempts.identity_id = (j.value ->> 0)::bigint`,
  rowsOf: (graph) =>
    dirtyIdentities(graph)
      .filter((identity) => identity.moved)
      .map((identity: IdentityNode) => [identity.id, identity.user.id]),
};

const GONE_USER_LEVELS: GraphStatement = {
  sql: (list) =>
    `DELETE FROM user_levels USING json_array_elements(${list}) j
      WHERE user_id = (j.value ->> 0)::bigint AND level_key = j.value ->> 1`,
  rowsOf: (graph) =>
    dirtyLevels(graph)
      .filter((placed) => !isHeld(placed))
      .map(({ userId, levelKey }) => [userId, levelKey]),
};

/** Place among the kinds, so that the lesser one holds. */
function rank(kind: string): string {
  return `strpos('${LEVEL_KINDS.join(' ')}', ${kind})`;
}

/** What is pointed at goes first: foreign keys are checked by statement. */
const STATEMENTS: readonly GraphStatement[] = [
  insertion('users', USER_COLUMNS, dirtyUsers, update(['id'], USER_COLUMNS)),
  MERGES,
  insertion('identities', IDENTITY_COLUMNS, dirtyIdentities, update(['id'], IDENTITY_COLUMNS)),
  insertion('identity_keys', KEY_COLUMNS, (graph) => graph.newKeys),
  insertion(
    'levels',
    LEVEL_COLUMNS,
    (graph) => [...graph.levels],
    `ON CONFLICT (key) DO UPDATE SET kind = excluded.kind WHERE ${rank('excluded.kind')} > ${rank('levels.kind')}`,
  ),
  insertion('deliveries', DELIVERY_COLUMNS, (graph) => graph.newDeliveries),
  insertion(
    'deliveries',
    DELIVERY_COLUMNS,
    (graph) => graph.rewrittenDeliveries,
    update(
      ['id'],
      DELIVERY_COLUMNS.filter(([column]) => column !== 'duplicates'),
    ),
  ),
  REPEATS,
  deletion('events', (graph) => graph.goneEvents),
  insertion('events', EVENT_COLUMNS, (graph) => graph.newEvents),
  deletion('credentials', (graph) => graph.goneCredentials),
  insertion('credentials', CREDENTIAL_COLUMNS, (graph) => graph.newCredentials),
  MOVED_ATTEMPTS,
  insertion(
    'attempts',
    ATTEMPT_COLUMNS,
    (graph) => [...graph.dirtyAttempts.values()],
    update(['id'], ATTEMPT_COLUMNS),
  ),
  GONE_USER_LEVELS,
  insertion(
    'user_levels',
    USER_LEVEL_COLUMNS,
    (graph) => dirtyLevels(graph).filter(isHeld),
    update(['user_id', 'level_key'], USER_LEVEL_COLUMNS),
  ),
  deletion('attempts', (graph) => graph.goneAttempts),
  insertion('changes', CHANGE_COLUMNS, (graph) => graph.changes),
];

// ── The call ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** For every connection on which a few rows are looked up at a time, always by an index, however few there are yet. */
export const FINDING: readonly string[] = [
  'SET enable_seqscan = off',
  'SET enable_hashjoin = off',
  'SET enable_mergejoin = off',
  'SET jit = off',
];

/** For every connection that writes. */
export const WRITING: readonly string[] = [
  ...FINDING,
  "SET default_transaction_isolation = 'read committed'",
  // What was answered 200 is on the disk. Stricter settings, of a server with replicas, stay.
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  `CREATE OR REPLACE FUNCTION pg_temp.save_graph(
      expected bigint, ids json, ${STATEMENTS.map((_, index) => `list_${index} json`).join(', ')}
    ) RETURNS bigint LANGUAGE plpgsql AS $body$
    DECLARE reached bigint;
    BEGIN
      IF expected IS NOT NULL THEN
        PERFORM 1 FROM sequencer WHERE version = expected FOR UPDATE;
        IF NOT FOUND THEN RAISE EXCEPTION 'another instance has written' USING ERRCODE = '${OUTDATED}'; END IF;
      END IF;
      ${STATEMENTS.map(({ sql }, index) => `IF list_${index} IS NOT NULL THEN ${sql(`list_${index}`)}; END IF;`).join('\n')}
      UPDATE sequencer SET version = version + 1, ${TABLES.map((table) => `${table} = (ids ->> '${table}')::bigint`).join(', ')}
        RETURNING version INTO reached;
      RETURN reached;
    END $body$`,
];

const SAVE = `SELECT pg_temp.save_graph(?, ?, ${STATEMENTS.map(() => '?').join(', ')}) AS version`;

/** See `Database.save`. */
export async function saveGraph(
  graph: Graph,
  session: Session,
  expected: number | null,
): Promise<number | null> {
  const lists = STATEMENTS.map(({ rowsOf }) => toList(rowsOf(graph)));
  if (lists.every((list) => list === null)) return expected;
  const ids = JSON.stringify(graph.lastIds);
  const [row] = await session.query<{ version: number }>(SAVE, [expected, ids, ...lists]);
  if (row === undefined) throw new Error('the save answers one row');
  return row.version;
}

function toList(rows: readonly unknown[]): Scalar {
  return rows.length === 0 ? null : JSON.stringify(rows);
}
