/** One database connection, as little of it as the store needs, with its statements kept prepared. */

import { isNativeError } from 'node:util/types';
import type { Database, Statement } from 'sqlite3';
import type { DataSource } from 'typeorm';
import { SqliteDriver } from 'typeorm/driver/sqlite/SqliteDriver';
import { StoreUnavailableError } from '../domain/errors';

export type Parameter = string | number | boolean | Buffer | null;

export interface Connection {
  /**
   * Runs one statement. Never start another one inside a transaction before this one has answered.
   *
   * @throws {StoreUnavailableError} where the database is at fault, not the statement.
   */
  query<Row>(sql: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
  /** Closing again does nothing. */
  close(): Promise<void>;
}

/** Filters can be combined in many ways; statements beyond this many make room for each other. */
const MAX_STATEMENTS = 200;

/**
 * @param dataSource - Initialized. Its connection is used beside TypeORM: to prepare a statement anew for each call, as
 *   TypeORM does, takes longer than to run it.
 * @param onQuery - Told of every statement, e.g. to count them.
 */
export function createConnection(
  dataSource: DataSource,
  onQuery: (sql: string) => void = () => {},
): Connection {
  const database = handleOf(dataSource);
  const statements = new Map<string, Promise<Statement>>();

  return {
    async query<Row>(sql: string, parameters: readonly Parameter[] = []) {
      onQuery(sql);
      try {
        return await all<Row>(await prepared(sql), parameters);
      } catch (error) {
        throw toStoreError(error);
      }
    },

    async close() {
      if (!dataSource.isInitialized) return;
      for (const statement of statements.values()) await finalize(statement);
      await dataSource.destroy();
    },
  };

  function prepared(sql: string): Promise<Statement> {
    const kept = statements.get(sql);
    // Taken out and put back, so that the first one of the map is the one not used for longest.
    statements.delete(sql);
    const statement = kept ?? prepare(database, sql);
    statements.set(sql, statement);
    if (kept === undefined) {
      statement.catch(() => statements.delete(sql));
      makeRoom();
    }
    return statement;
  }

  function makeRoom(): void {
    const [oldest] = statements;
    if (statements.size <= MAX_STATEMENTS || oldest === undefined) return;
    statements.delete(oldest[0]);
    void finalize(oldest[1]);
  }
}

function handleOf({ driver }: DataSource): Database {
  if (!(driver instanceof SqliteDriver)) throw new Error('expected an SQLite DataSource');
  return driver.databaseConnection;
}

function prepare(database: Database, sql: string): Promise<Statement> {
  return new Promise((resolve, reject) => {
    const statement = database.prepare(sql, (error: Error | null) => {
      if (error === null) resolve(statement);
      else reject(error);
    });
  });
}

function all<Row>(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    statement.all<Row>(parameters, (error, rows) => {
      if (error === null) resolve(rows);
      else reject(error);
    });
  });
}

/** Waits for calls of the statement that are under way. */
async function finalize(statement: Promise<Statement>): Promise<void> {
  const held = await statement.catch(() => undefined);
  if (held !== undefined) await new Promise<void>((resolve) => held.finalize(() => resolve()));
}

const STORE_AWAY = /SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|MISUSE)/;

/** Names an error of the driver's that says that the database is away, or closed; any other is as it was. */
export function toStoreError(error: unknown): unknown {
  const away = isNativeError(error) && STORE_AWAY.test(error.message);
  return away ? new StoreUnavailableError({ cause: error }) : error;
}

/** Whether a statement that failed may have been committed all the same: the disk did not say. */
export function isInDoubt(error: unknown): boolean {
  return (
    isNativeError(error) && isNativeError(error.cause) && /SQLITE_IOERR/.test(error.cause.message)
  );
}
