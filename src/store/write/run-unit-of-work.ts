/** Runs a change of users or deliveries as one transaction with its audit entries. */

import type { AuditAct } from '../../domain/audit';
import { createUnitOfWork, type UnitOfWork } from '../../projector/unit-of-work';
import type { AppendAudit } from '../audit/append';
import type { Connection, Database } from '../database/database';
import type { Transact } from '../database/transaction';

/**
 * Runs `work` on an empty unit of work in a transaction, then saves the unit and appends the audit entries that `toActs`
 * returns. All of it is committed, or nothing.
 */
export type RunUnitOfWork = <T>(
  work: (unit: UnitOfWork, connection: Connection) => Promise<T>,
  toActs: (result: T) => readonly AuditAct[],
) => Promise<T>;

export interface RunUnitOfWorkOptions {
  readonly database: Pick<Database, 'save'>;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
}

export function createRunUnitOfWork(options: RunUnitOfWorkOptions): RunUnitOfWork {
  const { database, transaction, appendAudit } = options;
  return (work, toActs) =>
    transaction(async (connection) => {
      const unit = createUnitOfWork();
      const result = await work(unit, connection);
      await database.save(unit);
      await appendAudit(connection, toActs(result));
      return result;
    });
}
