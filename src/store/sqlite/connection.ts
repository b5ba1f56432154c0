/** One SQLite connection that caches its prepared statements. */

import type { DataSource } from 'typeorm';
import { StoreUnavailableError } from '../../domain/errors';
import type { Parameter, Scalar, WritingConnection } from '../database/database';
import { createMutex } from '../database/transaction';
import { SQLITE } from './dialect';
import { getDriver, getSqliteCode, type SqliteStatement } from './driver';

export interface SqliteConnection extends WritingConnection {
  /** Closing again does nothing. */
  close(): Promise<void>;
}

/** Maximum number of cached statements. Combinations of filters give many texts; the least recently used is evicted. */
const MAX_STATEMENTS = 200;

/**
 * @param dataSource - Initialized. Statements bypass TypeORM, which prepares each statement for every call: that takes longer
 *   than to run it.
 * @param onQuery - Called with each statement, for example to count them.
 */
export function createConnection(
  dataSource: DataSource,
  onQuery?: (sql: string) => void,
): SqliteConnection {
  const handle = getDriver().getHandle(dataSource);
  const statements = new Map<string, Promise<SqliteStatement>>();
  const runExclusive = createMutex();

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
    // If the disk is full, SQLite has written no commit and rolls back. After any other error, the outcome is unknown.
    isCommitInDoubt: (error) => !isDiskFull(error),
    // SQLite has no limit that depends on the statements. A full or failing disk fails every transaction.
    mayBeCausedByStatements: () => false,

    async close() {
      if (!dataSource.isInitialized) return;
      for (const statement of statements.values()) await finalize(statement);
      await dataSource.destroy();
    },
  };

  /** Runs one statement at a time: a statement that waits for the connection inside of the driver blocks a pool thread. */
  async function query<Row>(
    sql: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    onQuery?.(expandLists(sql));
    try {
      return await runExclusive(async () => (await prepared(sql)).all<Row>(parameters.map(bind)));
    } catch (error) {
      throw toStoreError(error);
    }
  }

  function prepared(sql: string): Promise<SqliteStatement> {
    const cached = statements.get(sql);
    // Delete and set, so that the first entry of the map is the least recently used.
    statements.delete(sql);
    const statement = cached ?? handle.prepare(expandLists(sql));
    statements.set(sql, statement);
    if (cached === undefined) {
      statement.catch(() => statements.delete(sql));
      evictStatement();
    }
    return statement;
  }

  function evictStatement(): void {
    const [oldest] = statements;
    if (statements.size <= MAX_STATEMENTS || oldest === undefined) return;
    statements.delete(oldest[0]);
    void finalize(oldest[1]);
  }
}

/** A list is passed as one JSON text. */
function expandLists(sql: string): string {
  return sql.replaceAll('?*', 'SELECT value FROM json_each(?)');
}

function bind(parameter: Parameter): Scalar {
  return isList(parameter) ? JSON.stringify(parameter) : parameter;
}

function isList(parameter: Parameter): parameter is Exclude<Parameter, Scalar> {
  return Array.isArray(parameter);
}

/** Waits for calls of the statement in progress. */
async function finalize(statement: Promise<SqliteStatement>): Promise<void> {
  const prepared = await statement.catch(() => undefined);
  await prepared?.finalize();
}

const UNAVAILABLE =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|MISUSE)$/;

/** Maps an error of the driver to STORE_UNAVAILABLE if the database is closed or unavailable. Returns any other unchanged. */
function toStoreError(error: unknown): unknown {
  const isUnavailable = UNAVAILABLE.test(getSqliteCode(error) ?? '');
  return isUnavailable ? new StoreUnavailableError({ cause: error }) : error;
}

function isDiskFull(error: unknown): boolean {
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  return getSqliteCode(cause) === 'SQLITE_FULL';
}
