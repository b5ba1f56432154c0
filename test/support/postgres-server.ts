/** The PostgreSQL server of the tests. */

export const POSTGRES_URL =
  process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A database with all tables, of which every test gets copies; of this run alone. */
export const TEMPLATE = process.env.TEST_POSTGRES_TEMPLATE ?? '';

/** How an empty database is made: the server may have been set up with another encoding than UTF8. */
export const EMPTY = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
