/**
 * Writes what a transaction changed in its graph, in one call: a call costs more than most of what it does. All the
 * statements stand in a trigger of a view that exists on the writing connection alone; a row inserted into the view, with a
 * list per statement, runs them.
 */

import { LEVEL_KINDS } from '../../domain/level';
import type { Connection } from '../database';
import type { Graph, IdentityNode, UserNode } from '../graph';
import {
  ATTEMPT_COLUMNS,
  CHANGE_COLUMNS,
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
  type PlacedLevel,
  USER_COLUMNS,
  USER_LEVEL_COLUMNS,
} from '../graph-rows';
import {
  type Bytes,
  createBytes,
  insertRows,
  type RowStatement,
  rowStatement,
  spread,
  update,
} from './row-statement';

/** Once per connection, after the migrations. */
export async function prepareSaving(connection: Connection): Promise<void> {
  const names = STATEMENTS.map((_, index) => `list_${index}`);
  const statements = STATEMENTS.map(
    ({ sql }, index) => `${sql(spread(`NEW.list_${index}`), 'NEW.bytes')};`,
  );
  await connection.query(
    `CREATE TEMP VIEW saved_graphs AS
      SELECT NULL AS version, NULL AS bytes, ${names.map((name) => `NULL AS ${name}`).join(', ')}`,
  );
  await connection.query(
    `CREATE TEMP TRIGGER save_graph INSTEAD OF INSERT ON saved_graphs BEGIN
      SELECT RAISE(ABORT, 'another process has written') WHERE NEW.version <> (${DATA_VERSION});
      ${statements.join('\n')}
    END`,
  );
}

const DATA_VERSION = 'SELECT data_version FROM pragma_data_version';

/** A number that is another one as soon as somebody else than this connection has written to the file. */
export async function dataVersion(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ data_version: number }>(DATA_VERSION);
  if (row === undefined) throw new Error('SQLite tells the version of its data');
  return row.data_version;
}

/**
 * What is to be saved is taken from the graph before this returns.
 *
 * @param version - Outside of a transaction: the `dataVersion` from before the graph was loaded. Nothing is saved upon
 *   another one.
 */
export async function saveGraph(
  graph: Graph,
  connection: Connection,
  version: number | null = null,
): Promise<void> {
  const bytes = createBytes();
  const lists = STATEMENTS.map(({ list }) => list(graph, bytes));
  if (lists.every((list) => list === null)) return;
  await connection.query(SAVE, [version, bytes.whole(), ...lists]);
}

interface GraphStatement {
  readonly sql: (rows: string, bytes: string) => string;
  /** JSON of the rows; `null` if there are none. */
  readonly list: (graph: Graph, bytes: Bytes) => string | null;
}

function saving<Row>(
  { sql, toValues }: RowStatement<Row>,
  rowsOf: (graph: Graph) => readonly Row[],
): GraphStatement {
  return {
    sql,
    list(graph, bytes) {
      const rows = rowsOf(graph);
      return rows.length === 0 ? null : JSON.stringify(rows.map((row) => toValues(row, bytes)));
    },
  };
}

// ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────────────

const USERS = insertRows('users', USER_COLUMNS, update(['id'], USER_COLUMNS));

/** Whoever was merged into a user that is now merged itself follows, so that one step always finds the survivor. */
const MERGES = rowStatement<UserNode>(
  (rows) =>
    `UPDATE users SET merged_into = j.value ->> 1 FROM ${rows} j WHERE users.merged_into = j.value ->> 0`,
  (user) => [user.id, user.mergedInto],
);

const IDENTITIES = insertRows('identities', IDENTITY_COLUMNS, update(['id'], IDENTITY_COLUMNS));

const KEYS = insertRows('identity_keys', KEY_COLUMNS);

const LEVELS = insertRows(
  'levels',
  LEVEL_COLUMNS,
  `ON CONFLICT (key) DO UPDATE SET kind = excluded.kind WHERE ${rank('excluded.kind')} > ${rank('levels.kind')}`,
);

/** Place among the kinds, so that the lesser one holds. */
function rank(kind: string): string {
  return `instr('${LEVEL_KINDS.join(' ')}', ${kind})`;
}

const DELIVERIES = insertRows('deliveries', DELIVERY_COLUMNS);

const REWRITES = insertRows(
  'deliveries',
  DELIVERY_COLUMNS,
  update(
    ['id'],
    DELIVERY_COLUMNS.filter(([column]) => column !== 'duplicates'),
  ),
);

const REPEATS = rowStatement<[number, number]>(
  (rows) =>
    `UPDATE deliveries SET duplicates = duplicates + (j.value ->> 1) FROM ${rows} j WHERE deliveries.id = j.value ->> 0`,
  (repeat) => repeat,
);

const EVENTS = insertRows('events', EVENT_COLUMNS);

const GONE_EVENTS = rowStatement<number>(
  (rows) => `DELETE FROM events WHERE id IN (SELECT value ->> 0 FROM ${rows})`,
  (id) => [id],
);

const CREDENTIALS = insertRows('credentials', CREDENTIAL_COLUMNS);

const GONE_CREDENTIALS = rowStatement<number>(
  (rows) => `DELETE FROM credentials WHERE id IN (SELECT value ->> 0 FROM ${rows})`,
  (id) => [id],
);

const MOVED_ATTEMPTS = rowStatement<IdentityNode>(
  (rows) =>
    `UPDATE attempts SET user_id = j.value ->> 1 FROM ${rows} j WHERE attempts.identity_id = j.value ->> 0`,
  (identity) => [identity.id, identity.user.id],
);

const ATTEMPTS = insertRows('attempts', ATTEMPT_COLUMNS, update(['id'], ATTEMPT_COLUMNS));

const GONE_ATTEMPTS = rowStatement<number>(
  (rows) => `DELETE FROM attempts WHERE id IN (SELECT value ->> 0 FROM ${rows})`,
  (id) => [id],
);

const USER_LEVELS = insertRows(
  'user_levels',
  USER_LEVEL_COLUMNS,
  update(['user_id', 'level_key'], USER_LEVEL_COLUMNS),
);

const GONE_USER_LEVELS = rowStatement<PlacedLevel>(
  (rows) =>
    `DELETE FROM user_levels WHERE (user_id, level_key) IN (SELECT value ->> 0, value ->> 1 FROM ${rows})`,
  ({ userId, levelKey }) => [userId, levelKey],
);

const CHANGES = insertRows('changes', CHANGE_COLUMNS);

// ── Order ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Foreign keys are checked by statement, so what is pointed at goes first. */
const STATEMENTS: readonly GraphStatement[] = [
  saving(USERS, dirtyUsers),
  saving(MERGES, (graph) => dirtyUsers(graph).filter((user) => user.mergedInto !== null)),
  saving(IDENTITIES, dirtyIdentities),
  saving(KEYS, (graph) => graph.newKeys),
  saving(LEVELS, (graph) => [...graph.levels]),
  saving(DELIVERIES, (graph) => graph.newDeliveries),
  saving(REWRITES, (graph) => graph.rewrittenDeliveries),
  saving(REPEATS, (graph) => [...graph.repeats]),
  saving(GONE_EVENTS, (graph) => graph.goneEvents),
  saving(EVENTS, (graph) => graph.newEvents),
  saving(GONE_CREDENTIALS, (graph) => [...graph.goneCredentials]),
  saving(CREDENTIALS, (graph) => graph.newCredentials),
  saving(MOVED_ATTEMPTS, (graph) => dirtyIdentities(graph).filter((identity) => identity.moved)),
  saving(ATTEMPTS, (graph) => [...graph.dirtyAttempts.values()]),
  saving(GONE_USER_LEVELS, (graph) => dirtyLevels(graph).filter((placed) => !isHeld(placed))),
  saving(USER_LEVELS, (graph) => dirtyLevels(graph).filter(isHeld)),
  saving(GONE_ATTEMPTS, (graph) => [...graph.goneAttempts]),
  saving(CHANGES, (graph) => graph.changes),
];

const SAVE = `INSERT INTO saved_graphs VALUES (?, ?, ${STATEMENTS.map(() => '?').join(', ')})`;
