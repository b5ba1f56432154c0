/** What the store needs of a database. Two engines offer it, each in a folder of its own: SQLite and PostgreSQL. */

import type { UnitOfWork } from '../../projector/unit-of-work';
import type { Encoding, JsonQuery } from '../json-query/query';

export type Scalar = string | number | boolean | Buffer | null;
/** A list belongs to the placeholder `?*`. */
export type Parameter = Scalar | readonly (string | number)[];

/** A truth value as a row has it. */
export type Flag = boolean | 0 | 1;

/** SQL is written so that both engines take it; what they spell differently is in the dialect. */
export interface Connection {
  readonly dialect: Dialect;
  /**
   * Runs one statement. `?` stands for a value; `IN (?*)` for a list of them, so that the text is the same however long
   * the list. Never start another one inside a transaction before this one has answered.
   *
   * @throws {StoreUnavailableError} where the database is at fault, not the statement.
   */
  query<Row>(sql: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
}

/** Expressions that every engine has its own words for. */
export interface Dialect {
  /** Position of the newest entry of the log, also where that entry has been dropped; 0 while there was none. */
  readonly head: string;
  /** All values of a group as one JSON list. */
  jsonList(value: string): string;
  /** One JSON object of these columns. */
  jsonObject(columns: readonly (readonly [name: string, value: string])[]): string;
  /** A table with a row for each element of a JSON list, in its order; the element is the column `value`. */
  elements(list: string): string;
  /** The bytes that a text in hexadecimal stands for. */
  fromHex(text: string): string;
  /** The value of a JSON column that a text stands for. */
  toJson(text: string): string;
  /** Reads all that a `Lookup`, its one parameter, leads to. See `load.ts`. */
  readonly load: string;
  /** Statement that lets the current transaction pause for long between two statements; `null` if that has no limit. */
  readonly allowPause: string | null;
}

export interface TransactionControl {
  /** Nobody else writes from here on, in this process or another, until the transaction ends. */
  begin(): Promise<void>;
  /** @throws if it may not have been committed. */
  commit(): Promise<void>;
  rollBack(): Promise<void>;
  /** Whether the outcome of a failed commit is unknown until a restart. */
  readonly isCommitInDoubt: boolean;
  /**
   * Whether the statements of a transaction may themselves have caused a `StoreUnavailableError`: they exceeded a limit of the
   * server, or the server ended the connection. If so, the same transaction may fail every time, and others succeed.
   */
  mayBeOfWork(error: unknown): boolean;
}

/** The connection that writes: all that changes users or the log goes through it, one transaction at a time. */
export type WritingConnection = Connection & TransactionControl;

/** As much of a database as deliveries are recorded with. */
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
  /** To look without waiting for the writer. */
  readonly reading: Connection;
  /** Runs `work` on one unchanging view of the data. */
  snapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** The same, for work so long that nobody who asks should wait for it. */
  longSnapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>;

  /** See `Erasures.wipe`. */
  wipe(): Promise<boolean>;

  /** See `Store.queryJson`. */
  readonly queryJson: ((query: JsonQuery, encoding: Encoding) => Promise<string>) | null;
  /** How many migrations this program knows. */
  readonly migrations: number;
}
