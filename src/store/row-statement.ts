/**
 * Statements over any number of rows that arrive as one value: a JSON list of lists, which SQL spreads. The text never
 * depends on the number of rows, so that it stays prepared.
 */

export type Value = string | number | Buffer | null;

/** A column and what it holds of a row. */
export type Column<Row> = readonly [name: string, read: (row: Row) => Value];

export interface RowStatement<Row> {
  /** @param rows - What to read the rows from: each has a `value`, the list of one row. */
  readonly sql: (rows: string) => string;
  /** The row as the list that the statement reads. */
  readonly toValues: (row: Row) => readonly (string | number | null)[];
}

/** Where `json` stands for the JSON list. As JSONB, of which SQLite takes elements without reading the text again. */
export function spread(json: string): string {
  return `jsonb_each(jsonb(${json}))`;
}

export function rowStatement<Row>(
  sql: (rows: string) => string,
  toValues: (row: Row) => readonly (string | number | null)[],
): RowStatement<Row> {
  return { sql, toValues };
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
  return {
    // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
    sql: (rows) =>
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${rows} WHERE true ${onConflict}`,
    toValues: (row) => columns.map(([, read]) => toJson(read(row))),
  };
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
