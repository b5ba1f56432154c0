/**
 * Databases for tests, on the engine of this run: files for SQLite, databases of the server at `TEST_POSTGRES_URL` for
 * PostgreSQL. `jest.config.js` lists which tests run on which engine.
 */

import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, types } from 'pg';
import { loadDatabaseConfig } from '../../src/config/load-config';
import type { DatabaseConfig } from '../../src/store/database/options';
import { createConnection } from '../../src/store/sqlite/connection';
import { createDataSource, createReadingDataSource } from '../../src/store/sqlite/data-source';
import { EMPTY, POSTGRES_URL, TEMPLATE } from './services/postgres-server';

/** A database with all tables, which takes less time to copy than to make; of this run alone. */
const SQLITE_TEMPLATE = process.env.TEST_SQLITE_TEMPLATE;

export const ENGINE: DatabaseConfig['kind'] =
  process.env.TEST_ENGINE === 'postgres' ? 'postgres' : 'sqlite';

export interface TestDatabase {
  readonly config: DatabaseConfig;
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** Call it after all connections are closed. */
  drop(): Promise<void>;
}

/** @param content - Whether its tables are already there, where that saves time. */
export async function createTestDatabase(
  content: 'TABLES' | 'NOTHING' = 'TABLES',
  engine = ENGINE,
): Promise<TestDatabase> {
  if (engine === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'kyc-database-'));
    const file = join(folder, 'kyc.sqlite');
    if (content === 'TABLES' && SQLITE_TEMPLATE) copyFileSync(SQLITE_TEMPLATE, file);
    return {
      config: { kind: 'sqlite', file },
      url: `sqlite:${file}`,
      async drop() {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }
  return createOnServer(content === 'TABLES' ? `TEMPLATE ${TEMPLATE}` : EMPTY);
}

/** Creates a copy of the database. No connection may be open. */
export async function copyDatabase({ config }: TestDatabase): Promise<TestDatabase> {
  if (config.kind === 'postgres') return createOnServer(`TEMPLATE ${config.database}`);
  const copy = await createTestDatabase('NOTHING', 'sqlite');
  if (copy.config.kind === 'sqlite') copyFileSync(config.file, copy.config.file);
  return copy;
}

async function createOnServer(content: string): Promise<TestDatabase> {
  const name = `kyc_test_${Date.now()}_${randomBytes(4).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} ${content}`);
  const url = Object.assign(new URL(POSTGRES_URL), { pathname: `/${name}` }).href;
  return {
    config: loadDatabaseConfig({ DATABASE_URL: url, DATABASE_CONNECTIONS: '6' }),
    url,
    drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function onServer(sql: string): Promise<void> {
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Runs SQL on a separate connection. Quote column names that contain capitals. */
export async function query<Row>(database: DatabaseConfig, sql: string): Promise<readonly Row[]> {
  if (database.kind === 'sqlite') return await queryFile<Row>(database.file, sql);
  return await onPostgres(database, async (client) => (await client.query(sql)).rows);
}

/** Returns the steps of the query plan of SQLite, with NULL for every parameter of the statement. */
export async function explain(database: DatabaseConfig, sql: string): Promise<readonly string[]> {
  if (database.kind !== 'sqlite') throw new Error('these plans are of SQLite');
  const numbers = new Set(sql.match(/\?\d+/g));
  const count = numbers.size > 0 ? numbers.size : (sql.match(/\?/g) ?? []).length;
  const parameters = Array.from({ length: count }, () => null);
  const rows = await queryFile<{ detail: string }>(
    database.file,
    `EXPLAIN QUERY PLAN ${sql}`,
    parameters,
  );
  return rows.map(({ detail }) => detail);
}

async function queryFile<Row>(
  file: string,
  sql: string,
  parameters: readonly null[] = [],
): Promise<readonly Row[]> {
  const connection = createConnection(await createReadingDataSource(file).initialize());
  return await connection.query<Row>(sql, parameters).finally(() => connection.close());
}

/** Changes the database on a separate connection, like another program. */
export async function change(database: DatabaseConfig, sql: string): Promise<void> {
  if (database.kind === 'sqlite') {
    const dataSource = await createDataSource(database.file).initialize();
    await dataSource.query(sql).finally(() => dataSource.destroy());
  } else {
    await onPostgres(database, (client) => client.query(sql));
  }
}

async function onPostgres<T>(
  { host, port, database, user }: Extract<DatabaseConfig, { kind: 'postgres' }>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    host,
    port,
    database,
    ...(user === null ? {} : { user }),
    types: { getTypeParser },
  });
  await client.connect();
  return await work(client).finally(() => client.end());
}

const getTypeParser = ((oid: number, format?: 'text') => {
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.JSON || oid === types.builtins.JSONB) return String;
  return types.getTypeParser(oid, format);
}) as typeof types.getTypeParser;

/** Every row of every table but the logs, bytes included. */
export async function tablesOf(
  database: DatabaseConfig,
): Promise<Readonly<Record<string, unknown>>> {
  const tables = await query<{ name: string }>(database, TABLES[database.kind]);
  const rows = await Promise.all(
    tables.map(({ name }) => query(database, `SELECT * FROM "${name}" ORDER BY 1, 2`)),
  );
  return Object.fromEntries(tables.map(({ name }, index) => [name, rows[index]]));
}

/** One value of one row. */
export interface Cell {
  readonly table: string;
  readonly column: string;
  readonly bytes: Buffer;
}

/** Every value of every row of every table there is, ours or not. */
export async function cellsOf(database: DatabaseConfig): Promise<readonly Cell[]> {
  const tables = await query<{ name: string }>(database, EVERY_TABLE[database.kind]);
  const cells: Cell[] = [];
  for (const { name: table } of tables) {
    for (const row of await query<object>(database, `SELECT * FROM "${table}"`)) {
      cells.push(
        ...Object.entries(row).map(([column, value]) => ({ table, column, bytes: toBytes(value) })),
      );
    }
  }
  return cells;
}

function toBytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** All bytes of the database on disk, as an attacker with a copy would read them. */
export async function bytesOf(database: DatabaseConfig): Promise<Buffer> {
  if (database.kind === 'sqlite') {
    const log = `${database.file}-wal`; // removed when the last connection closes
    const files = [database.file, ...(existsSync(log) ? [log] : [])];
    return Buffer.concat(files.map((file) => readFileSync(file)));
  }
  const tables = Object.values(await tablesOf(database));
  const rows = [...tables, await query(database, CHANGES), await query(database, AUDIT)].flat();
  const values = rows.flatMap((row) => Object.values(row as object));
  return Buffer.concat(
    values.map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value)))),
  );
}

const CHANGES = 'SELECT * FROM changes';
const AUDIT = 'SELECT * FROM audit_entries';

const EVERY_TABLE: Readonly<Record<DatabaseConfig['kind'], string>> = {
  sqlite: `SELECT name FROM sqlite_master WHERE type = 'table'`,
  postgres: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
};

const TABLES: Readonly<Record<DatabaseConfig['kind'], string>> = {
  sqlite: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('changes', 'audit_entries', 'sqlite_sequence')`,
  postgres: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'
    AND tablename NOT IN ('changes', 'audit_entries', 'sequencer')`,
};
