/** Writes a connection: a keyset page with its cursors and its total count. */

import { where } from '../database/where';
import { type KeysetQuery, toPlace } from '../read/pagination';
import type { ForwardPage, JsonQueryNode } from './query';
import { type FieldTable, type SqlBuilder, writeObject } from './sql';

export interface PageQuery {
  /** Fields of the nodes. */
  readonly table: FieldTable;
  /** Alias of the rows in `query` and `table`. */
  readonly alias: string;
  readonly query: Pick<
    KeysetQuery<never, never>,
    'from' | 'clauses' | 'sortKey' | 'id' | 'direction'
  >;
  readonly page: ForwardPage;
}

/** A page of which the requested fields are known. */
interface OpenPage extends PageQuery {
  readonly limit: number;
  /** Whether one more row is read, to find out if there is a next page. */
  readonly looksAhead: boolean;
}

type WritePageField = (page: OpenPage, out: SqlBuilder, node: JsonQueryNode) => void;
type PageFieldTable = Readonly<Record<string, WritePageField>>;

export const EDGE: PageFieldTable = {
  node({ table }, out, { fields }) {
    writeObject(out, table, fields);
  },
  cursor(page, out) {
    out.sql += cursorSql(page);
  },
};

export const PAGE_INFO: PageFieldTable = {
  hasNextPage({ limit }, out) {
    out.sql += `json(iif(count(*) > ${limit}, 'true', 'false'))`;
  },
  hasPreviousPage({ page }, out) {
    out.sql += `json('${page.after !== undefined}')`;
  },
  startCursor(page, out) {
    out.sql += `json_group_array(${cursorSql(page)}) -> '$[0]'`;
  },
  endCursor(page, out) {
    const { looksAhead, limit } = page;
    const last = "'$[#-1]'";
    const path = looksAhead ? `iif(count(*) > ${limit}, '$[${limit - 1}]', ${last})` : last;
    out.sql += `json_group_array(${cursorSql(page)}) -> ${path}`;
  },
};

export const CONNECTION: PageFieldTable = {
  nodes(page, out, { fields }) {
    writeList(page, out, page.table, fields);
  },
  edges(page, out, { fields }) {
    writeList(page, out, bind(EDGE, page), fields);
  },
  pageInfo(page, out, { fields }) {
    writeObject(out, bind(PAGE_INFO, page), fields);
  },
  totalCount({ query }, out) {
    const { sql, parameters } = where(query.clauses);
    out.sql += `(SELECT count(*) FROM ${query.from} ${sql})`;
    out.parameters.push(...parameters);
  },
};

export function writePage(out: SqlBuilder, pageQuery: PageQuery, { fields = [] }: JsonQueryNode) {
  const { alias, query, page } = pageQuery;
  const { limit, order, clauses } = toPlace(query, page);
  const looksAhead = fields.some(
    ({ name, fields: own }) =>
      name === 'pageInfo' && own?.some((field) => field.name === 'hasNextPage'),
  );
  const rows = where([...query.clauses, ...clauses]);
  out.sql += '(SELECT ';
  writeObject(out, bind(CONNECTION, { ...pageQuery, limit, looksAhead }), fields);
  if (fields.some(dependsOnRows)) {
    const place = looksAhead ? ', row_number() OVER () AS place' : '';
    const sorted = `${query.sortKey} ${order}, ${query.id} ${order}`;
    out.sql += ` FROM (SELECT *${place} FROM (SELECT ${alias}.*, ${query.sortKey} AS sort_key FROM ${query.from} ${rows.sql}
    ORDER BY ${sorted} LIMIT ${looksAhead ? limit + 1 : limit})) ${alias}`;
    out.parameters.push(...rows.parameters);
  }
  out.sql += ')';
}

function writeList(
  { alias, limit, looksAhead }: OpenPage,
  out: SqlBuilder,
  table: FieldTable,
  fields: readonly JsonQueryNode[] | undefined,
) {
  out.sql += 'json_group_array(';
  writeObject(out, table, fields);
  out.sql += looksAhead ? `) FILTER (WHERE ${alias}.place <= ${limit})` : ')';
}

function cursorSql({ alias }: OpenPage): string {
  return `json_array('Cursor', ${alias}.sort_key, ${alias}.id)`;
}

function bind(table: PageFieldTable, page: OpenPage): FieldTable {
  return Object.fromEntries(
    Object.entries(table).map(([name, write]) => [name, (out, node) => write(page, out, node)]),
  );
}

/**
 * Whether the field aggregates the rows. Without such a field the rows must not be read: the statement would return one
 * result per row.
 */
function dependsOnRows({ name, fields = [] }: JsonQueryNode): boolean {
  if (name !== 'pageInfo') return name === 'nodes' || name === 'edges';
  return fields.some((field) => typeof field.name === 'string' && field.name !== 'hasPreviousPage');
}
