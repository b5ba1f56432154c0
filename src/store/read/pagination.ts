/** Keyset pages. The cost of a page does not depend on its position. New and deleted rows do not shift other pages. */

import { decodePageCursor, encodePageCursor } from '../../domain/cursor';
import { GatewayError } from '../../domain/errors';
import { isWellFormedText } from '../../domain/text';
import type { Connection } from '../database/database';
import { among, type Clause, where } from '../database/where';
import type { Page, PageOf } from './filters';

export interface KeysetQuery<Sql, Row> {
  /** Column list, including `sort_key` and `id`. */
  readonly select: string;
  readonly from: string;
  readonly clauses: readonly Clause[];
  /** Expression of the sort key, for example `a.started_at`. */
  readonly sortKey: string;
  readonly id: string;
  readonly direction: 'ASC' | 'DESC';
  readonly toRow: (sql: Sql) => Row;
}

export interface KeysetColumns {
  readonly id: number;
  readonly sort_key: string | number;
}

export async function paginate<Sql extends KeysetColumns, Row>(
  connection: Connection,
  query: KeysetQuery<Sql, Row>,
  page: Page,
): Promise<PageOf<Row>> {
  const { limit, order, clauses } = toPlace(query, page);
  const condition = where([...query.clauses, ...clauses]);
  const rows = await connection.query<Sql>(
    `SELECT ${query.select} FROM ${query.from} ${condition.sql}
      ORDER BY ${query.sortKey} ${order}, ${query.id} ${order} LIMIT ?`,
    [...condition.parameters, limit + 1],
  );
  return toPage(rows, limit, page, query.toRow);
}

export interface Owner {
  /** Expression of the owner's ID, for example `a.user_id`. */
  readonly expression: string;
  /** Condition for rows of the requested owners. */
  readonly clause: Clause;
  readonly ids: readonly number[];
}

/** Owner whose ID is in a column. */
export function ownedBy(column: string, ids: readonly number[]): Owner {
  return {
    expression: column,
    clause: among(column, ids),
    ids,
  };
}

/** Returns one page per owner, in one statement. */
export async function paginateEach<Sql extends KeysetColumns, Row>(
  connection: Connection,
  query: KeysetQuery<Sql, Row>,
  page: Page,
  owner: Owner,
): Promise<readonly PageOf<Row>[]> {
  const { limit, order, clauses } = toPlace(query, page);
  const condition = where([owner.clause, ...query.clauses, ...clauses]);
  const rows = await connection.query<Sql & { readonly owner: number }>(
    `SELECT * FROM (
        SELECT ${query.select}, ${owner.expression} AS owner, row_number() OVER (
          PARTITION BY ${owner.expression} ORDER BY ${query.sortKey} ${order}, ${query.id} ${order}) AS place
        FROM ${query.from} ${condition.sql}) placed
      WHERE place <= ? ORDER BY owner, place`,
    [...condition.parameters, limit + 1],
  );
  const byOwner = new Map<number, Sql[]>(owner.ids.map((id) => [id, []]));
  for (const row of rows) byOwner.get(row.owner)?.push(row);
  return owner.ids.map((id) => toPage(byOwner.get(id) ?? [], limit, page, query.toRow));
}

/** Position of a page, as SQL. */
export interface Place {
  readonly limit: number;
  readonly order: 'ASC' | 'DESC';
  readonly clauses: readonly Clause[];
}

export function toPlace(
  query: Pick<KeysetQuery<never, never>, 'sortKey' | 'id' | 'direction'>,
  page: Page,
): Place {
  const forward = page.last === undefined;
  const ascending = query.direction === 'ASC';
  const position = (cursor: string | undefined, beyond: boolean): Clause => [
    `(${query.sortKey}, ${query.id}) ${beyond === ascending ? '>' : '<'} (?, ?)`,
    cursor === undefined ? undefined : parseRowCursor(cursor, query.sortKey === query.id),
  ];
  return {
    limit: page.first ?? page.last ?? 0,
    order: forward === ascending ? 'ASC' : 'DESC',
    clauses: [position(page.after, true), position(page.before, false)],
  };
}

function toPage<Sql extends KeysetColumns, Row>(
  rows: readonly Sql[],
  limit: number,
  page: Page,
  toRow: (sql: Sql) => Row,
): PageOf<Row> {
  const more = rows.length > limit;
  const forward = page.last === undefined;
  const kept = rows.slice(0, limit);
  const inOrder = forward ? kept : kept.reverse();
  return {
    rows: inOrder.map((sql) => ({ row: toRow(sql), cursor: rowCursor(sql) })),
    hasNextPage: forward ? more : page.before !== undefined,
    hasPreviousPage: forward ? page.after !== undefined : more,
  };
}

function rowCursor({ sort_key, id }: KeysetColumns): string {
  return encodePageCursor(JSON.stringify([sort_key, id]));
}

/** @param byId - Whether the list is sorted by ID alone. */
function parseRowCursor(cursor: string, byId: boolean): readonly [string | number, number] {
  try {
    const [sortKey, id, ...rest] = JSON.parse(decodePageCursor(cursor));
    const isValid = byId ? Number.isSafeInteger(sortKey) : isTextKey(sortKey);
    if (isValid && Number.isSafeInteger(id) && rest.length === 0) return [sortKey, id];
  } catch {
    // Not a cursor of this gateway.
  }
  throw new GatewayError(
    'INPUT_INVALID',
    'The cursor is not a page cursor of this list. Take it from `edges` or `pageInfo`. A cursor of the change log belongs to `statusChanges(after:)` or `statusChanged(after:)`.',
  );
}

/** Whether the value is a text that every engine accepts as a parameter. */
function isTextKey(sortKey: unknown): boolean {
  return typeof sortKey === 'string' && isWellFormedText(sortKey);
}

// ── Counts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Counts rows. @param from - Follows FROM. */
export async function count(
  connection: Connection,
  from: string,
  clauses: readonly Clause[],
): Promise<number> {
  const { sql, parameters } = where(clauses);
  const [row] = await connection.query<{ n: number }>(
    `SELECT count(*) AS n FROM ${from} ${sql}`,
    parameters,
  );
  return row?.n ?? 0;
}

/** Returns one count per owner, in one statement. */
export async function countOwned(
  connection: Connection,
  from: string,
  clauses: readonly Clause[],
  { expression, clause, ids }: Owner,
): Promise<readonly number[]> {
  const { sql, parameters } = where([clause, ...clauses]);
  const rows = await connection.query<{ id: number; n: number }>(
    `SELECT ${expression} AS id, count(*) AS n FROM ${from} ${sql} GROUP BY 1`,
    parameters,
  );
  const byOwner = new Map(rows.map(({ id, n }) => [id, n]));
  return ids.map((id) => byOwner.get(id) ?? 0);
}
