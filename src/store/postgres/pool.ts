/** Pool of read connections. */

import { type ClientConfig, Pool, type PoolClient } from 'pg';
import type { Connection, Parameter } from '../database/database';
import { createMutex } from '../database/transaction';
import { READER_LIMITS } from './connect';
import { POSTGRES } from './dialect';
import { toStoreError } from './errors';
import type { ToStatement } from './statement';

export interface ReadingPool extends Connection {
  /** Runs `work` on one connection, on one snapshot. */
  snapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly config: ClientConfig;
  readonly max: number;
  readonly toStatement: ToStatement;
  readonly onQuery?: ((sql: string) => void) | undefined;
}

/** Connects on demand. Replaces lost connections. */
export function createPool({ config, max, toStatement, onQuery }: PoolOptions): ReadingPool {
  const pool = new Pool({ ...config, max, onConnect: (client) => client.query(READER_LIMITS) });
  pool.on('error', () => {}); // an idle connection was lost; the pool opens another on demand

  return {
    dialect: POSTGRES,
    query: (sql, parameters = []) => queryOn(pool, sql, parameters),

    async snapshot(work) {
      const client = await pool.connect().catch((error: unknown) => {
        throw toStoreError(error);
      });
      let lost: unknown;
      client.on('error', noteLoss);
      try {
        await run(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        const runExclusive = createMutex();
        return await work({
          dialect: POSTGRES,
          query: (sql, parameters = []) => runExclusive(() => queryOn(client, sql, parameters)),
        });
      } finally {
        // If the connection is lost, the caller gets the error of the statement that failed.
        await client.query('ROLLBACK').catch(noteLoss);
        client.off('error', noteLoss);
        client.release(lost !== undefined);
      }

      function noteLoss(error: unknown): void {
        lost = error;
      }
    },

    async close() {
      if (!pool.ending) await pool.end();
    },
  };

  async function queryOn<Row>(
    runner: Pool | PoolClient,
    sql: string,
    parameters: readonly Parameter[],
  ): Promise<readonly Row[]> {
    const statement = toStatement(sql, parameters);
    onQuery?.(sql);
    try {
      const { rows } = await runner.query(statement);
      return rows;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async function run(client: PoolClient, sql: string): Promise<void> {
    try {
      await client.query(sql);
    } catch (error) {
      throw toStoreError(error);
    }
  }
}
