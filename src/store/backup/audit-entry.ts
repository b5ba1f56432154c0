/** Logs a backup in the audit log of a database file, while a gateway may run on it. */

import type { AuditAct } from '../../domain/audit';
import type { MasterKey } from '../../encryption/key-ring';
import { createKeyRing } from '../../encryption/key-ring';
import { createAppendAudit } from '../audit/append';
import { createTransaction } from '../database/transaction';
import { loadSecret } from '../keys/encrypted-secret';
import { createConnection } from '../sqlite/connection';
import { createDataSource, WRITER_SETTINGS } from '../sqlite/data-source';

/** A gateway under load locks the file most of the time, and SQLite gives no order to those that wait. */
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Runs no migrations, because a backup before an upgrade must not upgrade the database.
 *
 * @param file - Database of the gateway.
 * @throws If the file cannot be written or was encrypted with other keys.
 */
export async function appendBackupEntry(
  file: string,
  keys: readonly [MasterKey, ...MasterKey[]],
  act: AuditAct,
): Promise<void> {
  const connection = createConnection(await createDataSource(file).initialize());
  try {
    for (const pragma of WRITER_SETTINGS) await connection.query(pragma);
    await connection.query(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`);
    const secret = await loadSecret(connection, createKeyRing(keys), 'audit_secret');
    const transaction = createTransaction(connection, () => {});
    await transaction(() => createAppendAudit(secret)(connection, [act]));
  } finally {
    await connection.close();
  }
}
