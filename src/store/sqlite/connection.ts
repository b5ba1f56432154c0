/** One database connection, as little of it as the store needs, with its statements kept prepared. */

import { isNativeError } from 'node:util/types';
import type { Database, Statement } from 'sqlite3';
import type { DataSource } from 'typeorm';
import { SqliteDriver } from 'typeorm/driver/sqlite/SqliteDriver';
import { InvariantError, StoreUnavailableError } from '../../domain/errors';
import type { Parameter, Scalar, WritingConnection } from '../database/database';
import { createMutex } from '../database/mutex';
import { SQLITE } from './dialect';

export interface SqliteConnection extends WritingConnection {
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
  onQuery?: (sql: string) => void,
): SqliteConnection {
  const database = handleOf(dataSource);
  const statements = new Map<string, Promise<Statement>>();
  const inTurn = createMutex();

  return {
    dialect: SQLITE,
    query,
    async begin() {
      await query('BEGIN IMMEDIATE');
    },
    async commit() {
      await query('COMMIT');
    },
    async rollBack() {
      await query('ROLLBACK');
    },
    isCommitInDoubt: true,
    // No limit depends on the statements. A full or failing disk fails every transaction.
    mayBeOfWork: () => false,

    async close() {
      if (!dataSource.isInitialized) return;
      for (const statement of statements.values()) await finalize(statement);
      await dataSource.destroy();
    },
  };

  /** One at a time: a statement that waits for the connection inside of the driver keeps a thread from all others. */
  async function query<Row>(
    sql: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    onQuery?.(spell(sql));
    try {
      return await inTurn(async () => all<Row>(await prepared(sql), parameters.map(bind)));
    } catch (error) {
      throw toStoreError(error);
    }
  }

  function prepared(sql: string): Promise<Statement> {
    const kept = statements.get(sql);
    // Taken out and put back, so that the first one of the map is the one not used for longest.
    statements.delete(sql);
    const statement = kept ?? prepare(database, spell(sql));
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

/** A list travels as one JSON text. */
function spell(sql: string): string {
  return sql.replaceAll('?*', 'SELECT value FROM json_each(?)');
}

function bind(parameter: Parameter): Scalar {
  return isList(parameter) ? JSON.stringify(parameter) : parameter;
}

function isList(parameter: Parameter): parameter is Exclude<Parameter, Scalar> {
  return Array.isArray(parameter);
}

function handleOf({ driver }: DataSource): Database {
  if (!(driver instanceof SqliteDriver))
    throw new InvariantError('DataSource has no SQLite driver');
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

function all<Row>(statement: Statement, parameters: readonly Scalar[]): Promise<readonly Row[]> {
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
function toStoreError(error: unknown): unknown {
  const away = isNativeError(error) && STORE_AWAY.test(error.message);
  return away ? new StoreUnavailableError({ cause: error }) : error;
}
