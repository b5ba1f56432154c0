/** Audit log for actions outside the store, and its verification. */

import type { AuditAct, AuditHead } from '../../domain/audit';
import type { Connection } from '../database/database';
import type { Transact } from '../database/transaction';
import type { AppendAudit } from './append';
import { type AuditProof, verifyAudit } from './verify';

/** The store itself logs the actions that change it. */
export interface AuditLog {
  /**
   * Logs actions outside the store, such as reading personal data, before they run. Resolves after the commit. Actions logged at
   * the same time are committed together.
   *
   * @throws {StoreUnavailableError} If nothing was written.
   */
  record(acts: readonly AuditAct[]): Promise<void>;

  /** Verifies the whole chain. @param expected - A head stored earlier. Null if unknown. */
  verify(expected: AuditHead | null): Promise<AuditProof>;
}

export interface AuditLogOptions {
  readonly reading: Connection;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly secret: Buffer;
}

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { reading, transaction, appendAudit, secret } = options;
  let batch: { readonly acts: AuditAct[]; readonly written: Promise<void> } | undefined;

  return {
    record(acts) {
      if (acts.length === 0) return Promise.resolve();
      batch ??= openBatch();
      batch.acts.push(...acts);
      return batch.written;
    },

    verify: (expected) => verifyAudit(reading, secret, expected),
  };

  /** Starts a batch. All entries added until the writing connection is available share one transaction. */
  function openBatch(): NonNullable<typeof batch> {
    const acts: AuditAct[] = [];
    const close = () => {
      if (batch?.acts === acts) batch = undefined;
    };
    const written = Promise.resolve()
      .then(() =>
        transaction(async (writing) => {
          close();
          await appendAudit(writing, acts);
        }),
      )
      .finally(close);
    return { acts, written };
  }
}
