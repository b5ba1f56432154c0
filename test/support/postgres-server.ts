/** The PostgreSQL server of the tests. */

export const POSTGRES_URL =
  process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A database with all tables, of which every test gets copies; of this run alone. */
export const TEMPLATE = process.env.TEST_POSTGRES_TEMPLATE ?? '';
