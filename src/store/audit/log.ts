/** The audit log for acts outside of the store, and the proof of all of it. */

import type { AuditAct, AuditHead } from '../../domain/audit';
import type { Connection } from '../database/database';
import type { Transact } from '../database/transaction';
import type { AppendAudit } from './append';
import { type AuditProof, verifyAudit } from './verify';

export interface AuditLogOptions {
  readonly reading: Connection;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly secret: Buffer;
}

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { reading, transaction, appendAudit, secret } = options;
  let waiting: { readonly acts: AuditAct[]; readonly written: Promise<void> } | undefined;

  return {
    record(acts) {
      if (acts.length === 0) return Promise.resolve();
      waiting ??= gather();
      waiting.acts.push(...acts);
      return waiting.written;
    },

    verify: (expected) => verifyAudit(reading, secret, expected),
  };

  /** All that is asked for until the writing connection is free goes into one transaction. */
  function gather(): NonNullable<typeof waiting> {
    const acts: AuditAct[] = [];
    const close = () => {
      if (waiting?.acts === acts) waiting = undefined;
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

// ── The audit log ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Acts that change the store are written down by the store itself, together with what they change. */
export interface AuditLog {
  /**
   * Writes down what is done outside of the store, such as showing personal data: to be called before. Resolves after the
   * commit; what is asked for at one time is committed together.
   *
   * @throws {StoreUnavailableError} if nothing was written.
   */
  record(acts: readonly AuditAct[]): Promise<void>;

  /** Walks the whole chain. @param expected - A head that was noted earlier; `null` if there is none. */
  verify(expected: AuditHead | null): Promise<AuditProof>;
}
