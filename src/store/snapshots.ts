/** Lends connections out, each holding one unchanging view of the data for as long as it is lent. */

import type { Connection } from './connection';

export interface Snapshots {
  run<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createSnapshots(connections: readonly Connection[]): Snapshots {
  const idle = [...connections];
  const waiting: ((connection: Connection) => void)[] = [];

  return {
    async run(work) {
      const connection = await borrow();
      try {
        await connection.query('BEGIN');
        try {
          return await work(connection);
        } finally {
          await end(connection);
        }
      } finally {
        giveBack(connection);
      }
    },
    async close() {
      for (const connection of connections) await connection.close();
    },
  };

  function borrow(): Promise<Connection> {
    const connection = idle.pop();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => waiting.push(resolve));
  }

  function giveBack(connection: Connection): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
  }
}

/** Nothing was written; where SQLite has ended the view by itself, the error that made it do so is the one to tell. */
async function end(connection: Connection): Promise<void> {
  await connection.query('ROLLBACK').catch(() => {});
}
