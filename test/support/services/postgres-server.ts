/** The PostgreSQL server of the tests. */

export const POSTGRES_URL =
  process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A database with all tables, of which every test gets copies; of this run alone. */
export const TEMPLATE = process.env.TEST_POSTGRES_TEMPLATE ?? '';

/** Statement that creates an empty database. It sets the encoding, because the server default may not be UTF8. */
export const EMPTY = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
