/**
 * Writes what has changed in a unit of work, in one call: a function that exists on the writing connection alone, with a list per
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

import { InvariantError } from '../../domain/errors';
import { TABLES, type UnitOfWork } from '../../projector/unit-of-work';
import type { RowWriter } from '../entities/columns';
import { type Engine, toList, toUnsaved, type Unsaved, writeStatements } from '../write/statements';
import { OUTDATED } from './optimistic-write';
import type { Session } from './session';

interface GraphStatement {
  /** @param list - The name of the parameter that holds the rows: a JSON list. */
  readonly sql: (list: string) => string;
  readonly getRows: (unsaved: Unsaved) => readonly unknown[];
}

// ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

const ENGINE: Engine<GraphStatement> = {
  /** Columns take their types from the table: the JSON says what goes where by name. */
  insertion(writer, getRows, onConflict = '') {
    const { table, columns } = writer;
    const names = columns.map(({ name }) => name).join(', ');
    return {
      sql: (list) =>
        `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${table}, ${list}) ${onConflict}`,
      getRows: (unsaved) => getRows(unsaved).map((row) => toObject(writer, row)),
    };
  },

  change: (sql, getRows) => ({
    sql: (list) =>
      sql({
        from: `json_array_elements(${list}) j`,
        number: (place) => `(j.value ->> ${place})::bigint`,
        text: (place) => `(j.value ->> ${place})`,
      }),
    getRows,
  }),

  position: 'strpos',
};

function toObject<Row>({ columns, toValues }: RowWriter<Row>, row: Row): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  const values = toValues(row);
  columns.forEach(({ name }, at) => {
    const value = values[at];
    object[name] = Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : value;
  });
  return object;
}

const STATEMENTS = writeStatements(ENGINE);

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
  unit: UnitOfWork,
  session: Session,
  expected: number | null,
): Promise<number | null> {
  const unsaved = toUnsaved(unit);
  const lists = STATEMENTS.map(({ getRows }) => toList(getRows(unsaved)));
  if (lists.every((list) => list === null)) return expected;
  const ids = JSON.stringify(unit.lastIds);
  const [row] = await session.query<{ version: number }>(SAVE, [expected, ids, ...lists]);
  if (row === undefined) throw new InvariantError('Save returned no row');
  return row.version;
}
