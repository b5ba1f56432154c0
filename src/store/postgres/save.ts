/**
 * Saves the changes of a unit of work in one call: a temporary function of the writing connection, with one list of rows per
 * statement. Each program creates its own function, so gateways of two versions can share a database.
 *
 * **Order of the change log.** Changes are numbered before they are committed. With several writers, numbers would become
 * visible out of order: a reader that has seen 7 would never read 6. Therefore each transaction locks the one row of
 * `sequencer` when it begins, reads the highest number from it, and keeps the lock until its commit is visible. Every
 * snapshot that contains a change contains all changes before it, without gaps. The highest number is a column of that row, not
 * a sequence, because a sequence loses numbers in a rollback.
 *
 * Each statement after the lock sees everything committed before it was granted (READ COMMITTED, one snapshot per statement).
 */

import { InvariantError } from '../../domain/errors';
import { TABLES, type UnitOfWork } from '../../projector/unit-of-work';
import type { RowWriter } from '../entities/columns';
import { type Engine, toList, toUnsaved, type Unsaved, writeStatements } from '../write/statements';
import type { Session } from './session';

interface SaveStatement {
  /** @param list - Name of the parameter that contains the rows as a JSON list. */
  readonly sql: (list: string) => string;
  readonly getRows: (unsaved: Unsaved) => readonly unknown[];
}

// ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

const ENGINE: Engine<SaveStatement> = {
  /** The columns take their types from the table. JSON keys are column names. */
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

/** Settings of the writing connection. Statements look up a few rows: always by an index, even while tables are small. */
export const WRITER_SETTINGS: readonly string[] = [
  'SET enable_seqscan = off',
  'SET enable_hashjoin = off',
  'SET enable_mergejoin = off',
  'SET jit = off',
  "SET default_transaction_isolation = 'read committed'",
  // A commit that is confirmed is on disk. Stricter settings of a server with replicas stay.
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  `CREATE OR REPLACE FUNCTION pg_temp.save_unit_of_work(
      ids json, ${STATEMENTS.map((_, index) => `list_${index} json`).join(', ')}
    ) RETURNS bigint LANGUAGE plpgsql AS $body$
    DECLARE reached bigint;
    BEGIN
      ${STATEMENTS.map(({ sql }, index) => `IF list_${index} IS NOT NULL THEN ${sql(`list_${index}`)}; END IF;`).join('\n')}
      UPDATE sequencer SET version = version + 1, ${TABLES.map((table) => `${table} = (ids ->> '${table}')::bigint`).join(', ')}
        RETURNING version INTO reached;
      RETURN reached;
    END $body$`,
];

const SAVE = `SELECT pg_temp.save_unit_of_work(?, ${STATEMENTS.map(() => '?').join(', ')}) AS version`;

/** Returns the new version of the data. If nothing has changed, returns null. */
export async function saveUnitOfWork(unit: UnitOfWork, session: Session): Promise<number | null> {
  const unsaved = toUnsaved(unit);
  const lists = STATEMENTS.map(({ getRows }) => toList(getRows(unsaved)));
  if (lists.every((list) => list === null)) return null;
  const ids = JSON.stringify(unit.lastIds);
  const [row] = await session.query<{ version: number }>(SAVE, [ids, ...lists]);
  if (row === undefined) throw new InvariantError('Save returned no row');
  return row.version;
}
