/** One connection of its own that is made anew when it is lost. What was under way on it then has failed. */

import { Client, type ClientConfig } from 'pg';
import { StoreUnavailableError } from '../../domain/errors';
import type { Parameter, WritingConnection } from '../database/database';
import { POSTGRES } from './dialect';
import { endsConnection, mayBeOfWork, toStoreError } from './errors';
import type { ToStatement } from './statement';

export interface Session extends WritingConnection {
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly config: ClientConfig;
  readonly toStatement: ToStatement;
  /** Statements that every connection begins with: its limits, for one. */
  readonly setUp: readonly string[];
  readonly onQuery?: ((sql: string) => void) | undefined;
}

/** Connects when first asked. */
export function createSession({ config, toStatement, setUp, onQuery }: SessionOptions): Session {
  let current: Promise<Client> | undefined;
  let live: Client | undefined;
  /** The connection that the transaction is on, also when it is lost: nothing of it may go to another. */
  let transaction: Client | undefined;
  let closed = false;

  return {
    dialect: POSTGRES,
    query,

    async begin() {
      const client = await connected();
      try {
        // One round trip, two statements: what the lock waits for is seen by all that follow it.
        await client.query('BEGIN; SELECT FROM sequencer FOR UPDATE');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => drop(client));
        throw failed(client, error);
      }
      transaction = client;
    },

    async commit() {
      const client = end();
      try {
        const { command } = await client.query('COMMIT');
        if (command !== 'COMMIT') throw new Error('a failed transaction has been committed');
      } catch (error) {
        drop(client);
        throw error;
      }
    },

    async rollBack() {
      const client = end();
      try {
        await client.query('ROLLBACK');
      } catch (error) {
        drop(client);
        throw error;
      }
    },

    // The server knows, and whoever was refused what has been kept is told of a repeat when it comes again.
    isInDoubt: () => false,
    mayBeOfWork,

    async close() {
      if (closed) return;
      closed = true;
      const client = await current?.catch(() => undefined);
      await client?.end();
    },
  };

  async function query<Row>(
    sql: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    const client = transaction ?? (await connected());
    const statement = toStatement(sql, parameters);
    onQuery?.(sql);
    try {
      const { rows } = await client.query(statement);
      return rows;
    } catch (error) {
      throw failed(client, error);
    }
  }

  function connected(): Promise<Client> {
    if (closed) return Promise.reject(new StoreUnavailableError());
    if (current === undefined) {
      const opening = open();
      current = opening;
      opening.catch(() => {
        if (current === opening) current = undefined;
      });
    }
    return current;
  }

  async function open(): Promise<Client> {
    const client = new Client(config);
    client.on('error', () => drop(client));
    try {
      await client.connect();
      for (const statement of setUp) await client.query(statement);
      live = client;
      return client;
    } catch (error) {
      void client.end().catch(() => {});
      throw toStoreError(error);
    }
  }

  function failed(client: Client, error: unknown): unknown {
    if (endsConnection(error)) drop(client);
    return toStoreError(error);
  }

  /** The next statement connects again. */
  function drop(client: Client): void {
    if (live === client) {
      live = undefined;
      current = undefined;
    }
    void client.end().catch(() => {});
  }

  function end(): Client {
    if (transaction === undefined) throw new Error('there is no transaction to end');
    const client = transaction;
    transaction = undefined;
    return client;
  }
}
