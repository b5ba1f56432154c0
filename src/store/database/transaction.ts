/** Transactions on one connection. Whoever runs them sees to it that one has ended before the next begins. */

import { StoreUnavailableError } from '../../domain/errors';
import type { Connection, TransactionControl } from './database';

/** Runs `work` in a transaction; an error it throws rolls back and is passed on. */
export type Transaction = <T>(work: () => Promise<T>) => Promise<T>;

/** The same for those who share the writing connection: each alone on it, in the order of asking. */
export type Transact = <T>(work: (writing: Connection) => Promise<T>) => Promise<T>;

/** @param onFatal - A commit failed: what is on disk is unknown, so the process must end and a restart is the repair. */
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
      if (connection.isCommitInDoubt) onFatal(error);
      throw new StoreUnavailableError({ cause: error });
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
      // The database has done so by itself (disk full, connection lost); the error that caused it is the one to tell.
    }
  }
}
