/** Writes a connection: a keyset page with its cursors and its count. */

import { where } from '../database/where';
import { type KeysetQuery, toPlace } from '../read/pagination';
import type { ForwardPage, JsonQueryNode } from './query';
import { column, type Kind, type SqlText, writeObject } from './sql';

export interface PageQuery {
  readonly kind: Kind;
  /** Of the rows, in `query` and in `kind`. */
  readonly alias: string;
  readonly query: Pick<
    KeysetQuery<never, never>,
    'from' | 'clauses' | 'sortKey' | 'id' | 'direction'
  >;
  readonly page: ForwardPage;
}

/** Reads one row more than asked for where the answer has to say whether there is one. */
export function writePage(
  out: SqlText,
  { kind, alias, query, page }: PageQuery,
  node: JsonQueryNode,
) {
  const { fields = [] } = node;
  const { limit, order, clauses } = toPlace(query, page);
  const looksAhead = asksForMore(fields);
  const onPage = looksAhead ? ` FILTER (WHERE ${alias}.place <= ${limit})` : '';
  const cursor = `json_array('Cursor', ${alias}.sort_key, ${alias}.id)`;
  const cursorAt = (place: string) => column(`json_group_array(${cursor}) -> ${place}`);

  const edge: Kind = {
    node(into, { fields: own }) {
      writeObject(into, kind, own);
    },
    cursor: column(cursor),
  };
  const pageInfo: Kind = {
    hasNextPage: column(`json(iif(count(*) > ${limit}, 'true', 'false'))`),
    hasPreviousPage: column(`json('${page.after !== undefined}')`),
    startCursor: cursorAt("'$[0]'"),
    endCursor: cursorAt(
      looksAhead ? `iif(count(*) > ${limit}, '$[${limit - 1}]', '$[#-1]')` : "'$[#-1]'",
    ),
  };
  const connection: Kind = {
    nodes: listOf(kind, onPage),
    edges: listOf(edge, onPage),
    pageInfo(into, { fields: own }) {
      writeObject(into, pageInfo, own);
    },
    totalCount(into) {
      const all = where(query.clauses);
      into.sql += `(SELECT count(*) FROM ${query.from} ${all.sql})`;
      into.parameters.push(...all.parameters);
    },
  };

  const rows = where([...query.clauses, ...clauses]);
  out.sql += '(SELECT ';
  writeObject(out, connection, fields);
  if (fields.some(tellsOfRows)) {
    const place = looksAhead ? ', row_number() OVER () AS place' : '';
    const sorted = `${query.sortKey} ${order}, ${query.id} ${order}`;
    out.sql += ` FROM (SELECT *${place} FROM (SELECT ${alias}.*, ${query.sortKey} AS sort_key FROM ${query.from} ${rows.sql}
    ORDER BY ${sorted} LIMIT ${looksAhead ? limit + 1 : limit})) ${alias}`;
    out.parameters.push(...rows.parameters);
  }
  out.sql += ')';
}

function listOf(kind: Kind, filter: string) {
  return (out: SqlText, { fields }: JsonQueryNode) => {
    out.sql += 'json_group_array(';
    writeObject(out, kind, fields);
    out.sql += `)${filter}`;
  };
}

/** Such a field makes one of all rows. Where there is none, there would be one answer for every row, so none is read. */
function tellsOfRows({ name, fields = [] }: JsonQueryNode): boolean {
  if (name !== 'pageInfo') return name === 'nodes' || name === 'edges';
  return fields.some((field) => typeof field.name === 'string' && field.name !== 'hasPreviousPage');
}

function asksForMore(fields: readonly JsonQueryNode[]): boolean {
  return fields.some(
    ({ name, fields: own }) =>
      name === 'pageInfo' && own?.some((field) => field.name === 'hasNextPage'),
  );
}
