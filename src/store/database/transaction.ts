/** Transactions on one connection. The caller runs one at a time. */

import { StoreUnavailableError } from '../../domain/errors';
import type { Connection, TransactionControl } from './database';

/** Runs `work` in a transaction. If it throws, rolls back and rethrows. */
export type Transaction = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs `work` in a transaction on the shared writing connection, in the order of the calls. */
export type Transact = <T>(work: (writing: Connection) => Promise<T>) => Promise<T>;

/** @param onFatal - Called when the outcome of a commit is unknown. The process must exit; a restart recovers. */
export function createTransaction(
  connection: TransactionControl,
  onFatal: (error: unknown) => void,
): Transaction {
  return async function transaction(work) {
    await connection.begin();
    const result = await orRollBack(work);
    try {
      await connection.commit();
    } catch (error) {
      if (connection.isCommitInDoubt(error)) onFatal(error);
      throw error instanceof StoreUnavailableError
        ? error
        : new StoreUnavailableError({ cause: error });
    }
    return result;
  };

  async function orRollBack<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await rollBack();
      throw error;
    }
  }

  async function rollBack(): Promise<void> {
    try {
      await connection.rollBack();
    } catch {
      // The database has rolled back by itself (disk full, connection lost). Report the error that caused it.
    }
  }
}

/** FIFO mutex: runs one piece of work at a time, in the order of the calls. */

export type Mutex = <T>(work: () => Promise<T>) => Promise<T>;

export function createMutex(): Mutex {
  const waiting: (() => void)[] = [];
  let busy = false;

  return async function runExclusive(work) {
    if (busy) await new Promise<void>((resolve) => waiting.push(resolve));
    busy = true;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy = false;
      else next();
    }
  };
}
