/** Puts rows in the order of the requested IDs. */

/** Returns the row of each ID, or `null` if it does not exist. */
export function groupOne<Id, Row>(
  ids: readonly Id[],
  rows: readonly (readonly [Id, Row])[],
): readonly (Row | null)[] {
  const byId = new Map(rows);
  return ids.map((id) => byId.get(id) ?? null);
}

/** Returns the rows of each ID, in their order. */
export function groupAll<Id, Row>(
  ids: readonly Id[],
  rows: readonly (readonly [Id, Row])[],
): readonly (readonly Row[])[] {
  const byId = new Map<Id, Row[]>(ids.map((id) => [id, []]));
  for (const [id, row] of rows) byId.get(id)?.push(row);
  return ids.map((id) => byId.get(id) ?? []);
}
