/** Counts rows. */

import type { Connection } from '../database/database';
import { type Clause, where } from '../database/where';
import type { Owner } from './pagination';

/** @param from - Follows FROM. */
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

/** One count per owner, in one statement. */
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
