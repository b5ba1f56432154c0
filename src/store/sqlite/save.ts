/**
 * Saves the changes of a unit of work in one call, because a call costs more than most statements. The statements are the
 * trigger of a temporary view of the writing connection. Inserting a row into the view, with one list of rows per statement,
 * runs them.
 */

import { InvariantError } from '../../domain/errors';
import type { UnitOfWork } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { type Engine, toList, toUnsaved, type Unsaved, writeStatements } from '../write/statements';
import { type Bytes, createBytes, expandRows, insertRows } from './json-rows';

/** Creates the view and its trigger. Call it once per connection, after the migrations. */
export async function prepareSaving(connection: Connection): Promise<void> {
  const names = STATEMENTS.map((_, index) => `list_${index}`);
  const statements = STATEMENTS.map(
    ({ sql }, index) => `${sql(expandRows(`NEW.list_${index}`), 'NEW.bytes')};`,
  );
  await connection.query(
    `CREATE TEMP VIEW units_of_work AS
      SELECT NULL AS bytes, ${names.map((name) => `NULL AS ${name}`).join(', ')}`,
  );
  await connection.query(
    `CREATE TEMP TRIGGER save_unit_of_work INSTEAD OF INSERT ON units_of_work BEGIN
      ${statements.join('\n')}
    END`,
  );
}

/** Returns a number that changes when another connection writes to the file. */
export async function readDataVersion(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ data_version: number }>(
    'SELECT data_version FROM pragma_data_version',
  );
  if (row === undefined) throw new InvariantError('SQLite returned no data version');
  return row.data_version;
}

export async function saveUnitOfWork(unit: UnitOfWork, connection: Connection): Promise<void> {
  const bytes = createBytes();
  const unsaved = toUnsaved(unit);
  const lists = STATEMENTS.map(({ list }) => list(unsaved, bytes));
  if (lists.every((list) => list === null)) return;
  await connection.query(SAVE, [bytes.whole(), ...lists]);
}

interface SaveStatement {
  readonly sql: (rows: string, bytes: string) => string;
  readonly list: (unsaved: Unsaved, bytes: Bytes) => string | null;
}

const ENGINE: Engine<SaveStatement> = {
  insertion(writer, getRows, onConflict) {
    const { sql, toValues } = insertRows(writer, onConflict);
    return {
      sql,
      list: (unsaved, bytes) => toList(getRows(unsaved).map((row) => toValues(row, bytes))),
    };
  },

  change: (sql, getRows) => ({
    sql: (rows) => sql({ from: `${rows} j`, number: valueAt, text: valueAt }),
    list: (unsaved) => toList(getRows(unsaved)),
  }),

  position: 'instr',
};

function valueAt(place: number): string {
  return `(j.value ->> ${place})`;
}

const STATEMENTS = writeStatements(ENGINE);

const SAVE = `INSERT INTO units_of_work VALUES (?, ${STATEMENTS.map(() => '?').join(', ')})`;
