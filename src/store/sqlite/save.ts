/**
 * Writes what a transaction changed in its unit of work, in one call: a call costs more than most of what it does. All the
 * statements stand in a trigger of a view that exists on the writing connection alone; a row inserted into the view, with a
 * list per statement, runs them.
 */

import { InvariantError } from '../../domain/errors';
import type { UnitOfWork } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { type Engine, toList, toUnsaved, type Unsaved, writeStatements } from '../write/statements';
import { type Bytes, createBytes, expandRows, insertRows } from './json-rows';

/** Once per connection, after the migrations. */
export async function prepareSaving(connection: Connection): Promise<void> {
  const names = STATEMENTS.map((_, index) => `list_${index}`);
  const statements = STATEMENTS.map(
    ({ sql }, index) => `${sql(expandRows(`NEW.list_${index}`), 'NEW.bytes')};`,
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
  if (row === undefined) throw new InvariantError('SQLite returned no data version');
  return row.data_version;
}

/**
 * What is to be saved is taken from the unit of work before this returns.
 *
 * @param version - Outside of a transaction: the `dataVersion` from before the unit of work was loaded. Nothing is saved upon
 *   another one.
 */
export async function saveGraph(
  unit: UnitOfWork,
  connection: Connection,
  version: number | null,
): Promise<void> {
  const bytes = createBytes();
  const unsaved = toUnsaved(unit);
  const lists = STATEMENTS.map(({ list }) => list(unsaved, bytes));
  if (lists.every((list) => list === null)) return;
  await connection.query(SAVE, [version, bytes.whole(), ...lists]);
}

interface GraphStatement {
  readonly sql: (rows: string, bytes: string) => string;
  readonly list: (unsaved: Unsaved, bytes: Bytes) => string | null;
}

const ENGINE: Engine<GraphStatement> = {
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

const SAVE = `INSERT INTO saved_graphs VALUES (?, ?, ${STATEMENTS.map(() => '?').join(', ')})`;
