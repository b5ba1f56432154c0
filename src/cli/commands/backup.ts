/** `kyc-gateway backup`: a copy of the database, while the gateway runs. */

import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadDatabaseConfig, loadDataKeys } from '../../config/load-config';
import type { AuditDetails } from '../../domain/audit';
import { appendBackupEntry } from '../../store/backup/audit-entry';
import { backUp } from '../../store/backup/backup';
import { BackupError } from '../../store/backup/files';
import { commandLineActor } from '../actor';
import { loadSources, loadVariables } from '../configuration';
import { type CliContext, CliError } from '../context';

/** The newest is enough for all copies. */
export const KEYS_FILE = 'identity-keys.sqlite';

const POSTGRES =
  'DATABASE_URL is PostgreSQL: use its own tool, pg_dump --format=custom --exclude-table-data=identity_keys --file=kyc.dump "$DATABASE_URL" (docs/operations.md says how to keep the keys, and how to restore it).';

export function addBackup(program: Command, context: CliContext): void {
  program
    .command('backup')
    .description('copy the SQLite database, also while the gateway runs')
    .argument('<file>', 'where to; a file that is not there yet')
    .option('--keys <file>', `where the keys go, replaced (default: ${KEYS_FILE} beside the copy)`)
    .action((file: string, { keys }: { keys?: string }) =>
      backup(context, resolve(file), resolve(keys ?? join(dirname(file), KEYS_FILE))),
    );
}

/** Needs to know where the database is, and no secret; with `DATA_KEYS` it is in the audit log as well. */
async function backup(context: CliContext, target: string, keysFile: string): Promise<void> {
  const env = loadVariables(context);
  const database = loadDatabaseConfig(env);
  if (database.kind === 'postgres') throw new CliError(POSTGRES);
  try {
    const { users, deliveries, logHead, bytes } = await backUp(database.file, target, keysFile);
    const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    await note(context, database.file, { users, deliveries, logHead, bytes });
    context.print(
      `backed up to ${target}: ${users} users, ${deliveries} deliveries, log up to ${logHead}, ${size}`,
    );
    context.print(`keys, without which nobody reads it: ${keysFile}`);
  } catch (cause) {
    if (cause instanceof BackupError) throw new CliError(cause.message, { cause });
    throw cause;
  }
}

/** The copy is there by now: where this cannot be written down, that is said, and the copy is good all the same. */
async function note(context: CliContext, file: string, details: AuditDetails): Promise<void> {
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
    const why = error instanceof Error ? error.message : 'for a reason that it did not give';
    context.complain(`The copy is not in the audit log: ${why}`);
  }
}
