/** Deals rows out in the order in which they were asked for. */

/** For each id its row; `null` where there is none. */
export function groupOne<Id, Sql, Row>(
  ids: readonly Id[],
  rows: readonly Sql[],
  idOf: (sql: Sql) => Id,
  toRow: (sql: Sql) => Row,
): readonly (Row | null)[] {
  const byId = new Map(rows.map((sql) => [idOf(sql), toRow(sql)]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** For each id its rows, in their order; perhaps none. */
export function groupAll<Id, Sql, Row>(
  ids: readonly Id[],
  rows: readonly Sql[],
  idOf: (sql: Sql) => Id,
  toRow: (sql: Sql) => Row,
): readonly (readonly Row[])[] {
  const byId = new Map<Id, Row[]>(ids.map((id) => [id, []]));
  for (const sql of rows) byId.get(idOf(sql))?.push(toRow(sql));
  return ids.map((id) => byId.get(id) ?? []);
}
