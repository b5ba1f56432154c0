/** Lends connections out, each holding one unchanging view of the data for as long as it is lent. */

import type { Connection } from '../database/database';
import type { SqliteConnection } from './connection';

export interface SnapshotPool {
  /** For one statement, which needs no more to have one view. */
  lend<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  run<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createSnapshotPool(connections: readonly SqliteConnection[]): SnapshotPool {
  const idle = [...connections];
  const waiting: ((connection: SqliteConnection) => void)[] = [];

  return {
    lend,
    run: (work) =>
      lend(async (connection) => {
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

  async function lend<T>(work: (connection: SqliteConnection) => Promise<T>): Promise<T> {
    const connection = await borrow();
    try {
      return await work(connection);
    } finally {
      giveBack(connection);
    }
  }

  function borrow(): Promise<SqliteConnection> {
    const connection = idle.pop();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => waiting.push(resolve));
  }

  function giveBack(connection: SqliteConnection): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
  }
}

/** Nothing was written; where SQLite has ended the view by itself, the error that made it do so is the one to tell. */
async function end(connection: Connection): Promise<void> {
  await connection.query('ROLLBACK').catch(() => {});
}
