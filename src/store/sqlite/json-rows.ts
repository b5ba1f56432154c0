/**
 * Statements over any number of rows that arrive as one value: a JSON list of lists, which SQL spreads. The text never
 * depends on the number of rows, so that it stays prepared. JSON has no bytes: those of all rows arrive in one piece beside
 * it, and the list says where in it they are.
 */

import type { RowWriter, Value } from '../entities/columns';

export interface JsonRowsStatement<Row> {
  /**
   * @param rows - What to read the rows from: each has a `value`, the list of one row.
   * @param bytes - What to read bytes from.
   */
  readonly sql: (rows: string, bytes: string) => string;
  /** The row as the list that the statement reads; its bytes are added to those given. */
  readonly toValues: (row: Row, bytes: Bytes) => readonly Element[];
}

type Element = Exclude<Value, Buffer> | readonly [start: number, length: number];

/** Bytes in one piece, made of parts. */
export interface Bytes {
  /** @returns Where the part is: its first byte, counted from 1, and its length. */
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
    // Never without a byte: of nothing, SQLite takes no part, not even an empty one.
    whole: () => Buffer.concat([...parts, Buffer.alloc(1)], length + 1),
  };
}

/** Where `json` stands for the JSON list. As JSONB, of which SQLite takes elements without reading the text again. */
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
