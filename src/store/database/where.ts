/** Builds a WHERE clause from optional conditions. */

import type { Parameter, Scalar } from './database';

export interface Condition {
  /** `WHERE …`, or an empty text. */
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** A condition and the values of its placeholders. If the value is undefined, the condition is omitted. */
export type Clause = readonly [sql: string, value: Scalar | readonly Parameter[] | undefined];

export function where(clauses: readonly Clause[]): Condition {
  const given = clauses.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  return {
    sql: given.length === 0 ? '' : `WHERE ${given.map(({ sql }) => sql).join(' AND ')}`,
    parameters: given.flatMap(({ value }) => value),
  };
}

export function among(column: string, values: readonly (string | number)[] | undefined): Clause {
  return [`${column} IN (?*)`, values && [values]];
}

/** Compares a single value for equality, which keeps the order of an index that begins with the column. */
export function oneOf(column: string, values: readonly string[] | undefined): Clause {
  return values?.length === 1 ? [`${column} = ?`, values] : among(column, values);
}
