/** Interfaces of a database, implemented by two engines: `sqlite/` and `postgres/`. */

import type { UnitOfWork } from '../../projector/unit-of-work';
import type { Encoding, JsonQuery } from '../json-query/query';

export type Scalar = string | number | boolean | Buffer | null;
/** A list replaces the placeholder `?*`. */
export type Parameter = Scalar | readonly (string | number)[];

/** A boolean column of a row: SQLite returns 0 or 1. */
export type Flag = boolean | 0 | 1;

/** Runs SQL that both engines accept. `dialect` contains the expressions that differ. */
export interface Connection {
  readonly dialect: Dialect;
  /**
   * Runs one statement. `?` is replaced by a value and `IN (?*)` by a list, so that the text does not depend on the length of
   * the list. Inside of a transaction, wait for each statement before you start the next.
   *
   * @throws {StoreUnavailableError} If the database, not the statement, is at fault.
   */
  query<Row>(sql: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
}

/** SQL expressions that differ between the engines. */
export interface Dialect {
  /** Number of the newest change, even if that change was trimmed. 0 before the first change. */
  readonly head: string;
  /** Aggregates the values of a group into one JSON list. */
  jsonList(value: string): string;
  /** Builds one JSON object from these columns. */
  jsonObject(columns: readonly (readonly [name: string, value: string])[]): string;
  /** Table with one row per element of a JSON list, in order. The column `value` is the element. */
  elements(list: string): string;
  /** Decodes hexadecimal text to bytes. */
  fromHex(text: string): string;
  /** Converts text to the value of a JSON column. */
  toJson(text: string): string;
  /** Statement that reads all rows of a `Lookup`, its only parameter. See `load.ts`. */
  readonly load: string;
  /** Statement that extends the allowed pause between two statements of the current transaction. If null, there is no limit. */
  readonly allowPause: string | null;
}

export interface TransactionControl {
  /** Begins a transaction and blocks all other writers, in any process, until it ends. */
  begin(): Promise<void>;
  /** @throws If the transaction may not have been committed. */
  commit(): Promise<void>;
  rollBack(): Promise<void>;
  /** Whether the outcome of a commit that failed with this error is unknown until a restart. */
  isCommitInDoubt(error: unknown): boolean;
  /**
   * Whether the statements of a transaction may themselves have caused a `StoreUnavailableError`: they exceeded a limit of the
   * server, or the server ended the connection. If so, the same transaction may fail every time, and others succeed.
   */
  mayBeCausedByStatements(error: unknown): boolean;
}

/** The connection of all writes. It runs one transaction at a time. */
export type WritingConnection = Connection & TransactionControl;

/** The part of a database that stores deliveries. */
export interface RecordingDatabase {
  readonly writing: WritingConnection;

  /**
   * Whether state in memory may be outdated: another connection has written since the last call, or since the last `save`.
   * Call it inside of a transaction.
   */
  isStale(): Promise<boolean>;
  /** Writes all changes of the unit of work. Call it inside of a transaction. */
  save(unit: UnitOfWork): Promise<void>;

  close(): Promise<void>;
}

export interface Database extends RecordingDatabase {
  /** Reads without waiting for the writer. */
  readonly reading: Connection;
  /** Runs `work` on one snapshot. */
  snapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Runs long `work` on one snapshot, on a connection of its own, so that no query waits for it. */
  longSnapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>;

  /** See `Erasures.wipe`. */
  wipe(): Promise<boolean>;

  /** See `Store.queryJson`. */
  readonly queryJson: ((query: JsonQuery, encoding: Encoding) => Promise<string>) | null;
  /** Number of migrations of this program. */
  readonly migrations: number;
}
