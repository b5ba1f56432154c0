/** Pool of read-only connections for snapshots. */

import type { Connection } from '../database/database';
import type { SqliteConnection } from './connection';

export interface SnapshotPool {
  /** Runs `work`, which is a single statement and needs no transaction, on a connection of the pool. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Runs `work` on one snapshot. */
  run<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createSnapshotPool(connections: readonly SqliteConnection[]): SnapshotPool {
  const idle = [...connections];
  const waiting: ((connection: SqliteConnection) => void)[] = [];

  return {
    use,
    run: (work) =>
      use(async (connection) => {
        await connection.query('BEGIN');
        try {
          return await work(connection);
        } finally {
          await end(connection);
        }
      }),
    async close() {
      for (const connection of connections) await connection.close();
    },
  };

  async function use<T>(work: (connection: SqliteConnection) => Promise<T>): Promise<T> {
    const connection = await acquire();
    try {
      return await work(connection);
    } finally {
      release(connection);
    }
  }

  function acquire(): Promise<SqliteConnection> {
    const connection = idle.pop();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => waiting.push(resolve));
  }

  function release(connection: SqliteConnection): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
  }
}

/** Ends the snapshot. If SQLite has ended it already, the caller gets the error that caused it. */
async function end(connection: Connection): Promise<void> {
  await connection.query('ROLLBACK').catch(() => {});
}
