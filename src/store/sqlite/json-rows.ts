/**
 * Statements over any number of rows, passed as one JSON list of lists that SQL expands. The text does not depend on the number
 * of rows, so the statement stays prepared. JSON cannot contain bytes: the bytes of all rows are a second value, and the list
 * contains their positions.
 */

import type { RowWriter, Value } from '../entities/columns';

export interface JsonRowsStatement<Row> {
  /**
   * @param rows - Table expression with one row per row. Its column `value` is the list.
   * @param bytes - Expression of the bytes of all rows.
   */
  readonly sql: (rows: string, bytes: string) => string;
  /** Converts the row to the list that the statement reads. Appends its bytes to `bytes`. */
  readonly toValues: (row: Row, bytes: Bytes) => readonly Element[];
}

type Element = Exclude<Value, Buffer> | readonly [start: number, length: number];

/** Concatenation of byte values. */
export interface Bytes {
  /** Returns the position of the part: its first byte, counted from 1, and its length. */
  add(part: Buffer): readonly [start: number, length: number];
  whole(): Buffer;
}

export function createBytes(): Bytes {
  const parts: Buffer[] = [];
  let length = 0;
  return {
    add(part) {
      parts.push(part);
      length += part.length;
      return [length - part.length + 1, part.length];
    },
    // At least one byte: `substr` of an empty value is NULL, also for an empty part.
    whole: () => Buffer.concat([...parts, Buffer.alloc(1)], length + 1),
  };
}

/** Expands the JSON list `json` to rows. Converts it to JSONB, so that SQLite parses the text once. */
export function expandRows(json: string): string {
  return `jsonb_each(jsonb(${json}))`;
}

export function insertRows<Row>(
  { table, columns, toValues }: RowWriter<Row>,
  onConflict = '',
): JsonRowsStatement<Row> {
  const names = columns.map(({ name }) => name);
  const values = (bytes: string) =>
    columns.map(({ conversion }, at) => {
      if (conversion !== 'BYTES') return `value ->> ${at}`;
      return `substr(${bytes}, value ->> '$[${at}][0]', value ->> '$[${at}][1]')`;
    });
  return {
    // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
    sql: (rows, bytes) =>
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values(bytes).join(', ')} FROM ${rows} WHERE true ${onConflict}`,
    toValues: (row, bytes) =>
      toValues(row).map((value) => (Buffer.isBuffer(value) ? bytes.add(value) : value)),
  };
}
