/** Converts statements of the store to PostgreSQL: numbered placeholders, prepared once per connection. */

import type { QueryConfig } from 'pg';
import type { Parameter } from '../database/database';

/** Maximum number of prepared statements. Combinations of filters give many texts; later texts are prepared for every call. */
const MAX_PREPARED = 200;

export type ToStatement = (sql: string, parameters: readonly Parameter[]) => QueryConfig;

/** Creates the converter for all connections of one database: a text has the same name on each. */
export function createStatements(): ToStatement {
  const known = new Map<string, { readonly text: string; readonly name?: string }>();
  return (sql, parameters) => {
    let statement = known.get(sql);
    if (statement === undefined) {
      const text = numberPlaceholders(sql);
      if (known.size < MAX_PREPARED) {
        statement = { text, name: `s${known.size}` };
        known.set(sql, statement);
      } else {
        statement = { text };
      }
    }
    return { ...statement, values: [...parameters] };
  };
}

function numberPlaceholders(sql: string): string {
  let count = 0;
  return sql.replace(/\bNOT IN \(\?\*\)|\bIN \(\?\*\)|\?/g, (placeholder) => {
    count += 1;
    if (placeholder === '?') return `$${count}`;
    return placeholder.startsWith('NOT') ? `<> ALL ($${count})` : `= ANY ($${count})`;
  });
}
