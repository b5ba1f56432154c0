/** Builds the statement of a JSON query: one expression that nests all fields. */

import { InvariantError } from '../../domain/errors';
import type { Dialect, Parameter } from '../database/database';
import type { JsonQuery, JsonQueryNode } from './query';

export interface QueryContext extends Pick<JsonQuery, 'viewer' | 'reasonCodes'> {
  readonly dialect: Dialect;
}

export interface SqlBuilder {
  /** Grows at the end only, so that `parameters` stay in the order of their placeholders. */
  sql: string;
  readonly parameters: Parameter[];
  readonly context: QueryContext;
}

/** Appends an expression for the value of a field. */
export type WriteField = (out: SqlBuilder, node: JsonQueryNode) => void;

/** Fields of a type, by name. */
export type FieldTable = Readonly<Record<string, WriteField>>;

export function writeObject(
  out: SqlBuilder,
  table: FieldTable,
  fields: readonly JsonQueryNode[] = [],
): void {
  out.sql += 'json_object(';
  fields.forEach((node, index) => {
    out.sql += `${index === 0 ? '' : ', '}${quote(node.as)}, `;
    if (typeof node.name === 'object') out.sql += quote(node.name.text);
    else getField(table, node.name)(out, node);
  });
  out.sql += ')';
}

function getField(table: FieldTable, name: string): WriteField {
  const write = table[name];
  if (write === undefined) throw new InvariantError(`JSON query has no field ${name}`);
  return write;
}

/** Names of a GraphQL document have only letters, digits and underscores. */
function quote(name: string): string {
  return `'${name}'`;
}

export function expression(sql: string): WriteField {
  return (out) => {
    out.sql += sql;
  };
}

/** @param from - Follows FROM and finds at most one row. */
export function one(table: () => FieldTable, from: string): WriteField {
  return (out, { fields }) => {
    out.sql += '(SELECT ';
    writeObject(out, table(), fields);
    out.sql += ` FROM ${from})`;
  };
}

/** @param from - Follows FROM and finds the rows in order. */
export function many(table: () => FieldTable, from: string): WriteField {
  return (out, { fields }) => {
    out.sql += '(SELECT json_group_array(';
    writeObject(out, table(), fields);
    out.sql += `) FROM ${from})`;
  };
}
