/** Writes into the audit log of a file that a copy of it was taken, beside a gateway that may run on it. */

import type { AuditAct } from '../../domain/audit';
import type { MasterKey } from '../../encryption/key-ring';
import { createKeyRing } from '../../encryption/key-ring';
import { createAppendAudit } from '../audit/append';
import { createTransaction } from '../database/transaction';
import { loadSecret } from '../keys/encrypted-secret';
import { createConnection } from '../sqlite/connection';
import { createDataSource, WRITER_SETTINGS } from '../sqlite/data-source';

/**
 * Migrates nothing: who takes a copy before an upgrade must not upgrade by it.
 *
 * @param file - A database of the gateway. @throws if it cannot be written, or the keys are not its own.
 */
export async function appendBackupEntry(
  file: string,
  keys: readonly [MasterKey, ...MasterKey[]],
  act: AuditAct,
): Promise<void> {
  const connection = createConnection(await createDataSource(file).initialize());
  try {
    for (const pragma of WRITER_SETTINGS) await connection.query(pragma);
    const secret = await loadSecret(connection, createKeyRing(keys), 'audit_secret');
    const transaction = createTransaction(connection, () => {});
    await transaction(() => createAppendAudit(secret)(connection, [act]));
  } finally {
    await connection.close();
  }
}
