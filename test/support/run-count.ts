/** Number of random cases per property. `TEST_RUNS=10` runs ten times as many, for a long search before a release. */

/** Factor for the number of random cases: a positive integer, 1 by default. */
const FACTOR = readFactor(process.env.TEST_RUNS || '1');

/**
 * Returns the number of random cases to run.
 *
 * @param sqlite - Default number, on SQLite and for properties without a database.
 * @param postgres - Default number on PostgreSQL, where a new database takes longer to create. Equals `sqlite` by default.
 */
export function runCount(sqlite: number, postgres = sqlite): number {
  return (process.env.TEST_ENGINE === 'postgres' ? postgres : sqlite) * FACTOR;
}

function readFactor(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error('TEST_RUNS must be an integer from 1 to 9999.');
  return Number(text);
}
