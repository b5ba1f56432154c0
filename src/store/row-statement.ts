/**
 * Statements over any number of rows with one parameter: a JSON list of lists, which SQL spreads. The text never depends
 * on the number of rows, so that it stays prepared.
 */

export type Value = string | number | Buffer | null;

/** A column and what it holds of a row. */
export type Column<Row> = readonly [name: string, read: (row: Row) => Value];

export interface RowStatement<Row> {
  readonly sql: string;
  /** The row as the list that the statement reads; the parameter is the JSON of all of them. */
  readonly toValues: (row: Row) => readonly (string | number | null)[];
}

/** As JSONB, of which SQLite takes elements without reading the text again. */
const ROWS = 'WITH rows AS (SELECT value FROM jsonb_each(jsonb(?1)))';

/** @param sql - Reads its rows from `rows`, whose `value` is the list of one row. */
export function rowStatement<Row>(
  sql: string,
  toValues: (row: Row) => readonly (string | number | null)[],
): RowStatement<Row> {
  return { sql: `${ROWS} ${sql}`, toValues };
}

/** @param onConflict - See `update`. */
export function insertRows<Row>(
  table: string,
  columns: readonly Column<Row>[],
  onConflict = '',
): RowStatement<Row> {
  const names = columns.map(([name]) => name);
  const values = columns.map(([name], index) =>
    BINARY.has(`${table}.${name}`) ? `unhex(value ->> ${index})` : `value ->> ${index}`,
  );
  // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
  return rowStatement(
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM rows WHERE true ${onConflict}`,
    (row) => columns.map(([, read]) => toJson(read(row))),
  );
}

/** Overwrites a row that is there already: all of the columns but the key. */
export function update<Row>(key: readonly string[], columns: readonly Column<Row>[]): string {
  const rest = columns.map(([name]) => name).filter((name) => !key.includes(name));
  const assignments = rest.map((name) => `${name} = excluded.${name}`);
  return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`;
}

/** JSON has no bytes: these columns travel as hexadecimal digits. */
const BINARY = new Set(['deliveries.body', 'events.personal', 'identities.data_key']);

function toJson(value: Value): string | number | null {
  return Buffer.isBuffer(value) ? value.toString('hex') : value;
}
