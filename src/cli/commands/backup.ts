/** `kyc-gateway backup`: copies the SQLite database. */

import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadDatabaseConfig, loadDataKeys } from '../../config/load-config';
import type { AuditDetails } from '../../domain/audit';
import { appendBackupEntry } from '../../store/backup/audit-entry';
import { backUp } from '../../store/backup/backup';
import { BackupError } from '../../store/backup/files';
import { loadSources, loadVariables } from '../configuration';
import { type CliContext, CliError, commandLineActor } from '../context';

/** Default name of the keys file. The newest one works with all copies. */
export const KEYS_FILE = 'identity-keys.sqlite';

const POSTGRES =
  'DATABASE_URL is a PostgreSQL database. Use pg_dump --format=custom --exclude-table-data=identity_keys --file=kyc.dump "$DATABASE_URL". See docs/operations.md for the keys and the restore.';

export function addBackup(program: Command, context: CliContext): void {
  program
    .command('backup')
    .description('Copy the SQLite database. The gateway may be running.')
    .argument('<file>', 'path of the copy; must not exist')
    .option(
      '--keys <file>',
      `path of the keys, which is replaced (default: ${KEYS_FILE} in the folder of the copy)`,
    )
    .action((file: string, { keys }: { keys?: string }) =>
      backup(context, resolve(file), resolve(keys ?? join(dirname(file), KEYS_FILE))),
    );
}

/** Requires only the location of the database. With `DATA_KEYS`, also adds an audit entry. */
async function backup(context: CliContext, target: string, keysFile: string): Promise<void> {
  const env = loadVariables(context);
  const database = loadDatabaseConfig(env);
  if (database.kind === 'postgres') throw new CliError(POSTGRES);
  try {
    const { users, deliveries, logHead, bytes } = await backUp(database, target, keysFile);
    const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    await appendAuditEntry(context, database.file, { users, deliveries, logHead, bytes });
    context.print(
      `Copied the database to ${target}: ${users} users, ${deliveries} deliveries, change log up to ${logHead}, ${size}.`,
    );
    context.print(`Wrote the keys, which are required to read the copy, to ${keysFile}.`);
  } catch (cause) {
    if (cause instanceof BackupError) throw new CliError(cause.message, { cause });
    throw cause;
  }
}

/** Appends an audit entry. If this fails, prints a warning: the copy itself is valid. */
async function appendAuditEntry(
  context: CliContext,
  file: string,
  details: AuditDetails,
): Promise<void> {
  try {
    const { env } = loadSources(context);
    await appendBackupEntry(file, loadDataKeys(env), {
      action: 'BACKUP_TAKEN',
      actor: commandLineActor(),
      subject: null,
      reason: null,
      details,
      at: new Date(),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    context.printError(`The audit entry was not written, but the copy is valid: ${reason}`);
  }
}
