/**
 * One PostgreSQL connection that reconnects after a loss.
 *
 * - **idle:** no connection. The first statement connects.
 * - **connecting:** statements wait for the connection. A failure returns to idle and fails them.
 * - **connected:** a lost connection, or an error that ends it, returns to idle and fails the statements in progress.
 * - **closed:** final. Every statement fails.
 *
 * A transaction is bound to its connection. If that connection is lost, the statements of the transaction fail; none of them
 * runs on another connection.
 */

import { Client, type ClientConfig } from 'pg';
import { InvariantError, StoreUnavailableError } from '../../domain/errors';
import type { Parameter, WritingConnection } from '../database/database';
import { POSTGRES } from './dialect';
import { endsConnection, mayBeCausedByStatements, toStoreError } from './errors';
import type { ToStatement } from './statement';

export interface SessionOptions {
  readonly config: ClientConfig;
  readonly toStatement: ToStatement;
  /** Statements to run on each new connection, such as its limits. */
  readonly setUp: readonly string[];
  /** Called with each statement before it runs. */
  readonly onQuery?: ((sql: string) => void) | undefined;
}

const BEGIN = 'BEGIN; SELECT version FROM sequencer FOR UPDATE';

export class Session implements WritingConnection {
  readonly dialect = POSTGRES;
  readonly mayBeCausedByStatements = mayBeCausedByStatements;
  private readonly options: SessionOptions;
  /** Pending or open connection. If undefined, the session is idle. */
  private connection: Promise<Client> | undefined;
  /** Client of the open connection. */
  private client: Client | undefined;
  /** Client of the transaction in progress. Stays set after a loss, until the transaction ends. */
  private transaction: Client | undefined;
  private closed = false;
  /** `sequencer.version` at the start of the last transaction. */
  lockedVersion: number | null = null;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  async query<Row>(sql: string, parameters: readonly Parameter[] = []): Promise<readonly Row[]> {
    const client = this.transaction ?? (await this.connect());
    const statement = this.options.toStatement(sql, parameters);
    this.options.onQuery?.(sql);
    try {
      const { rows } = await client.query(statement);
      return rows;
    } catch (error) {
      throw this.toFailure(client, error);
    }
  }

  async begin(): Promise<void> {
    const client = await this.connect();
    try {
      // Two statements in one round trip. Statements after the lock see everything committed before it was granted.
      const results: unknown = await client.query(BEGIN);
      this.lockedVersion = toVersion(results);
    } catch (error) {
      await client.query('ROLLBACK').catch(() => this.drop(client));
      throw this.toFailure(client, error);
    }
    this.transaction = client;
  }

  async commit(): Promise<void> {
    const client = this.takeTransaction();
    try {
      const { command } = await client.query('COMMIT');
      // The server responds ROLLBACK to the COMMIT of a failed transaction.
      if (command !== 'COMMIT') throw new Error('The server rolled the transaction back');
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  async rollBack(): Promise<void> {
    const client = this.takeTransaction();
    try {
      await client.query('ROLLBACK');
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  /**
   * Implements `TransactionControl`. Always false: the server stores the outcome, and a delivery that is sent again after a lost
   * response is found as a duplicate.
   */
  isCommitInDoubt(): boolean {
    return false;
  }

  /** Closing again does nothing. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const client = await this.connection?.catch(() => undefined);
    await client?.end();
  }

  private connect(): Promise<Client> {
    if (this.closed) return Promise.reject(new StoreUnavailableError());
    if (this.connection === undefined) {
      const opening = this.open();
      this.connection = opening;
      opening.catch(() => {
        if (this.connection === opening) this.connection = undefined;
      });
    }
    return this.connection;
  }

  private async open(): Promise<Client> {
    const client = new Client(this.options.config);
    client.on('error', () => this.drop(client));
    try {
      await client.connect();
      for (const statement of this.options.setUp) await client.query(statement);
      this.client = client;
      return client;
    } catch (error) {
      void client.end().catch(() => {});
      throw toStoreError(error);
    }
  }

  /** Drops the connection if the error ended it. Returns the error for the caller. */
  private toFailure(client: Client, error: unknown): unknown {
    if (endsConnection(error)) this.drop(client);
    return toStoreError(error);
  }

  /** Discards a connection. The next statement connects again. */
  private drop(client: Client): void {
    if (this.client === client) {
      this.client = undefined;
      this.connection = undefined;
    }
    void client.end().catch(() => {});
  }

  private takeTransaction(): Client {
    if (this.transaction === undefined) throw new InvariantError('No transaction is in progress');
    const client = this.transaction;
    this.transaction = undefined;
    return client;
  }
}

/** @param results - Results of `BEGIN`, one per statement. */
function toVersion(results: unknown): number | null {
  const [, locked]: { readonly rows: readonly { readonly version: number }[] }[] = Array.isArray(
    results,
  )
    ? results
    : [];
  return locked?.rows[0]?.version ?? null;
}
