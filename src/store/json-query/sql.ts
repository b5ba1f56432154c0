/** Writes a tree as SQL: one expression that holds the whole answer as JSON. */

import type { Parameter } from '../database/database';
import type { JsonQueryNode } from './query';

export interface SqlText {
  sql: string;
  /** In the order of their placeholders in `sql`: both only grow at the end. */
  readonly parameters: Parameter[];
  /** See `Tree`. */
  readonly reasonCodes: readonly string[] | null;
}

/** Appends an expression that holds one field of a thing. */
export type WriteField = (out: SqlText, node: JsonQueryNode) => void;
export type Kind = Readonly<Record<string, WriteField>>;

export function writeObject(out: SqlText, kind: Kind, fields: readonly JsonQueryNode[] = []): void {
  out.sql += 'json_object(';
  fields.forEach((node, index) => {
    out.sql += `${index === 0 ? '' : ', '}${quoted(node.as)}, `;
    if (typeof node.name === 'object') out.sql += quoted(node.name.text);
    else fieldOf(kind, node.name)(out, node);
  });
  out.sql += ')';
}

function fieldOf(kind: Kind, name: string): WriteField {
  const write = kind[name];
  if (write === undefined) throw new Error(`a tree has no field ${name} there`);
  return write;
}

/** Names of a GraphQL document: letters, digits and underscores. */
function quoted(name: string): string {
  return `'${name}'`;
}

export function column(sql: string): WriteField {
  return (out) => {
    out.sql += sql;
  };
}

/** @param from - Follows FROM and finds one row, or none. */
export function one(kind: () => Kind, from: string): WriteField {
  return (out, { fields }) => {
    out.sql += '(SELECT ';
    writeObject(out, kind(), fields);
    out.sql += ` FROM ${from})`;
  };
}

/** @param from - Follows FROM and finds the rows in their order. */
export function many(kind: () => Kind, from: string): WriteField {
  return (out, { fields }) => {
    out.sql += '(SELECT json_group_array(';
    writeObject(out, kind(), fields);
    out.sql += `) FROM ${from})`;
  };
}
