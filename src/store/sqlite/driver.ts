/**
 * SQLite driver of this process: `sqlite3`, or `better-sqlite3` if it is installed. Only this file imports them.
 *
 * A process uses one driver for every file. Each driver contains its own copy of SQLite, and closing a file in one copy releases
 * the POSIX locks that the other copy has on it.
 */

import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Database, Statement } from 'sqlite3';
import type { DataSource } from 'typeorm';
import type { BetterSqlite3ConnectionOptions } from 'typeorm/driver/better-sqlite3/BetterSqlite3ConnectionOptions';
import { BetterSqlite3Driver } from 'typeorm/driver/better-sqlite3/BetterSqlite3Driver';
import type { SqliteConnectionOptions } from 'typeorm/driver/sqlite/SqliteConnectionOptions';
import { SqliteDriver as TypeOrmSqliteDriver } from 'typeorm/driver/sqlite/SqliteDriver';
import { ConfigError, InvariantError } from '../../domain/errors';
import type { Scalar } from '../database/database';
import type { SqliteDriverName } from '../database/options';

export interface SqliteStatement {
  /** Runs the statement. The list is empty if the statement returns no rows. */
  all<Row>(parameters: readonly Scalar[]): Promise<readonly Row[]>;
  /** Waits for calls in progress. */
  finalize(): Promise<void>;
}

/** An open connection. Its errors have the primary code of SQLite, such as `SQLITE_BUSY`, in `code` and in the message. */
export interface SqliteHandle {
  prepare(sql: string): Promise<SqliteStatement>;
  close(): Promise<void>;
}

/** `CREATE`: for writing, and creates a missing file. */
export type FileMode = 'READONLY' | 'READWRITE' | 'CREATE';

export interface SqliteDriver {
  readonly name: SqliteDriverName;
  /** Opens a connection without TypeORM. Creates a missing file. */
  open(file: string, busyTimeoutMs: number): Promise<SqliteHandle>;
  /** Returns options of a TypeORM data source. */
  toDataSourceOptions(
    file: string,
    mode: FileMode,
    busyTimeoutMs: number,
  ): SqliteConnectionOptions | BetterSqlite3ConnectionOptions;
  /** @param dataSource - Initialized. */
  getHandle(dataSource: DataSource): SqliteHandle;
}

let current: SqliteDriver | undefined;

/**
 * Returns the driver of this process. The first call selects it.
 *
 * @param name - If undefined, the driver selected before, or `sqlite3`.
 * @throws {ConfigError} If the package is not installed.
 * @throws {InvariantError} If the process uses the other driver.
 */
export function getDriver(name?: SqliteDriverName): SqliteDriver {
  current ??= name === 'better-sqlite3' ? createBetterSqlite3() : createSqlite3();
  if (name !== undefined && name !== current.name) {
    throw new InvariantError(`Process already uses the SQLite driver ${current.name}`);
  }
  return current;
}

/** Returns the primary error code of SQLite, such as `SQLITE_IOERR`. Undefined if the error is not from SQLite. */
export function getSqliteCode(error: unknown): string | undefined {
  const { code, message } = Object(error);
  const [primary] = /^SQLITE_[A-Z]+/.exec(code) ?? /SQLITE_[A-Z]+/.exec(message) ?? [];
  return primary;
}

// ── sqlite3: asynchronous, on the thread pool of Node.js ────────────────────────────────────────────────────────────

function createSqlite3(): SqliteDriver {
  const sqlite3: typeof import('sqlite3') = require('sqlite3');
  const flags = { READONLY: sqlite3.OPEN_READONLY, READWRITE: sqlite3.OPEN_READWRITE };
  /**
   * The driver without tracing. TypeORM calls `verbose()`, which formats every parameter of every call for stack traces: that is
   * half of the time of a write, and puts personal data into errors.
   */
  const untraced = { ...sqlite3, verbose: () => sqlite3 };
  return {
    name: 'sqlite3',
    open: (file, busyTimeoutMs) =>
      new Promise((resolve, reject) => {
        const database = new sqlite3.Database(file, (error) => {
          if (error === null) resolve(toHandle(database));
          else reject(error);
        });
        database.configure('busyTimeout', busyTimeoutMs);
      }),
    toDataSourceOptions: (file, mode, busyTimeoutMs) => ({
      type: 'sqlite',
      driver: untraced,
      database: file,
      busyTimeout: busyTimeoutMs,
      ...(mode !== 'CREATE' && { flags: flags[mode] }),
    }),
    getHandle({ driver }) {
      if (driver instanceof TypeOrmSqliteDriver) return toHandle(driver.databaseConnection);
      throw new InvariantError('DataSource does not use sqlite3');
    },
  };
}

function toHandle(database: Database): SqliteHandle {
  return {
    prepare: (sql) =>
      new Promise((resolve, reject) => {
        const statement = database.prepare(sql, (error: Error | null) => {
          if (error === null) resolve(toStatement(statement));
          else reject(error);
        });
      }),
    close: () => new Promise((resolve) => database.close(() => resolve())),
  };
}

function toStatement(statement: Statement): SqliteStatement {
  return {
    all: <Row>(parameters: readonly Scalar[]) =>
      new Promise<readonly Row[]>((resolve, reject) => {
        statement.all<Row>(parameters, (error, rows) => {
          if (error === null) resolve(rows);
          else reject(error);
        });
      }),
    finalize: () => new Promise((resolve) => statement.finalize(() => resolve())),
  };
}

// ── better-sqlite3: synchronous, on the calling thread ──────────────────────────────────────────────────────────────

/** The part of the package that is used here. It has no types of its own. */
interface BetterDatabase {
  readonly open: boolean;
  prepare(sql: string): BetterStatement;
  pragma(sql: string, options?: { readonly simple: boolean }): unknown;
  close(): void;
}

interface BetterStatement {
  /** Whether the statement returns rows. If false, `all` throws; if true, `run` throws. */
  readonly reader: boolean;
  all(parameters: BetterParameters): unknown[];
  run(parameters: BetterParameters): unknown;
}

type BetterScalar = string | number | bigint | Buffer | null;
type BetterParameters = readonly BetterScalar[] | Readonly<Record<string, BetterScalar>>;

type BetterSqlite3 = new (file: string, options: { readonly timeout?: number }) => BetterDatabase;

function createBetterSqlite3(): SqliteDriver {
  const Database = loadBetterSqlite3();
  return {
    name: 'better-sqlite3',
    async open(file, busyTimeoutMs) {
      try {
        return toBetterHandle(new Database(file, { timeout: busyTimeoutMs }));
      } catch (error) {
        throw toSqliteError(error, 'SQLITE_CANTOPEN');
      }
    },
    toDataSourceOptions: (file, mode, busyTimeoutMs) => ({
      type: 'better-sqlite3',
      driver: Database,
      database: file,
      timeout: busyTimeoutMs,
      readonly: mode === 'READONLY',
      fileMustExist: mode !== 'CREATE',
    }),
    getHandle({ driver }) {
      if (driver instanceof BetterSqlite3Driver) return toBetterHandle(driver.databaseConnection);
      throw new InvariantError('DataSource does not use better-sqlite3');
    },
  };
}

function loadBetterSqlite3(): BetterSqlite3 {
  let Database: BetterSqlite3;
  try {
    Database = require('better-sqlite3');
  } catch (cause) {
    throw driverFault('is not installed. Run npm install better-sqlite3@12.', cause);
  }
  try {
    new Database(':memory:', {}).close(); // loads the binary
  } catch (cause) {
    throw driverFault('cannot load its binary. Run npm rebuild better-sqlite3.', cause);
  }
  return Database;
}

function driverFault(fault: string, cause: unknown): ConfigError {
  return new ConfigError([`DATABASE_DRIVER: better-sqlite3 ${fault}`], { cause });
}

function toBetterHandle(database: BetterDatabase): SqliteHandle {
  return {
    async prepare(sql) {
      try {
        return toBetterStatement(database, database.prepare(sql), sql);
      } catch (error) {
        throw toSqliteError(error, getFallbackCode(database));
      }
    },
    async close() {
      database.close();
    },
  };
}

function toBetterStatement(
  database: BetterDatabase,
  statement: BetterStatement,
  sql: string,
): SqliteStatement {
  /** Whether it has parameters such as `?1`, which the package reads from an object. */
  const isNumbered = /\?\d/.test(sql);
  const locks = /^BEGIN (IMMEDIATE|EXCLUSIVE)$/.test(sql);
  let running: Promise<unknown> = Promise.resolve();

  /** Starts in a new turn of the event loop, so that a series of statements does not block timers and sockets. */
  async function run(parameters: readonly Scalar[]): Promise<unknown[]> {
    await setImmediate();
    const values = parameters.map(toBetterScalar);
    const bound = isNumbered
      ? Object.fromEntries(values.map((value, index) => [index + 1, value]))
      : values;
    try {
      if (statement.reader) return statement.all(bound);
      if (locks) await lock(database, statement);
      else statement.run(bound);
      return [];
    } catch (error) {
      throw toSqliteError(error, getFallbackCode(database));
    }
  }

  return {
    all<Row>(parameters: readonly Scalar[]) {
      const rows = run(parameters);
      running = rows.catch(() => {});
      return rows as Promise<readonly Row[]>;
    },
    // The package finalizes a statement when it is garbage collected or its connection is closed.
    async finalize() {
      await running;
    },
  };
}

/**
 * Begins a transaction. Waits for the lock without blocking the thread: the transaction that has it may be of another connection
 * of the same thread, and could not end.
 */
async function lock(database: BetterDatabase, begin: BetterStatement): Promise<void> {
  const timeoutMs = Number(database.pragma('busy_timeout', { simple: true }));
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    database.pragma('busy_timeout = 0');
    try {
      begin.run([]);
      return;
    } catch (error) {
      if (getSqliteCode(error) !== 'SQLITE_BUSY' || performance.now() >= deadline) throw error;
    } finally {
      database.pragma(`busy_timeout = ${timeoutMs}`);
    }
    await setTimeout(LOCK_RETRY_MS);
  }
}

/** Interval between two attempts to get the lock of a file, in milliseconds. */
const LOCK_RETRY_MS = 5;

/** The package rejects booleans, and binds every number as a float: `json_object('id', ?)` would give `{"id":1.0}`. */
function toBetterScalar(value: Scalar): BetterScalar {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return Number.isSafeInteger(value) ? BigInt(Number(value)) : value;
}

/** Returns the code for errors that the package itself throws, without a code. */
function getFallbackCode(database: BetterDatabase): string {
  return database.open ? 'SQLITE_ERROR' : 'SQLITE_MISUSE';
}

/** @param fallback - Code of an error without one. */
function toSqliteError(cause: unknown, fallback: string): Error {
  const code = getSqliteCode(cause) ?? fallback;
  return Object.assign(new Error(`${code}: ${Object(cause).message}`, { cause }), { code });
}
