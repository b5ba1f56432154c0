/** `kyc-gateway restore`: combines a copy with its keys, and reapplies erasures made since the copy. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/load-config';
import { BackupError } from '../../store/backup/files';
import { type Restored, restore as restoreFiles } from '../../store/backup/restore';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError, COMMAND_LINE, commandLineActor } from '../context';
import { KEYS_FILE } from './backup';

const DAY_MS = 24 * 60 * 60_000;

const NOT_IN_COPY =
  'The restored data lacks legal holds that were set or released, and erasures that were requested, after the keys were copied. On PostgreSQL, it also lacks those that you did not copy with the keys. Repeat them within one day. See docs/operations.md, "Repeat what neither part contains".';

interface Options {
  readonly keys?: string;
  readonly erasedUsers?: string;
}

export function addRestore(program: Command, context: CliContext): void {
  program
    .command('restore')
    .description('Combine a backup with its keys, and reapply erasures made since.')
    .argument(
      '[copy]',
      'file that `backup` wrote; without it, only reapplies erasures, for example after pg_restore',
    )
    .option('--keys <file>', `newest keys (default: ${KEYS_FILE} in the folder of the copy)`)
    .option(
      '--erased-users <file>',
      'without a copy: file with the number of an erased user on each line',
    )
    .action((copy: string | undefined, options: Options) => restore(context, copy, options));
}

async function restore(
  context: CliContext,
  copy: string | undefined,
  { keys, erasedUsers }: Options,
): Promise<void> {
  const config = loadConfiguration(context);
  const { database } = config;
  if (copy === undefined) {
    if (erasedUsers === undefined) throw new CliError('Pass the backup file, or --erased-users.');
    await reapplyErasures(context, config, readIds(resolve(erasedUsers)), false);
    return;
  }
  if (database.kind === 'postgres') {
    throw new CliError(
      'DATABASE_URL is a PostgreSQL database. Restore it as described in docs/operations.md, then run this command without a copy.',
    );
  }
  const keysFile = resolve(keys ?? join(dirname(copy), KEYS_FILE));
  const finish = async (file: string, restored: Restored) => {
    const { identities, audited } = restored;
    context.print(
      `Restored ${database.file}: ${identities} identities, ${restored.keys} with a key.`,
    );
    context.print(`Legal holds and erasure requests are those of audit entry ${audited}.`);
    const restoredConfig = { ...config, database: { ...database, file } };
    await reapplyErasures(context, restoredConfig, restored.erasedUsers, true);
  };
  await restoreFiles(resolve(copy), keysFile, database, finish).catch((cause) => {
    throw cause instanceof BackupError ? new CliError(cause.message, { cause }) : cause;
  });
}

/** Reapplies erasures. @param mayLackKeys - Whether the database may have no keys. If false, it fails because the keys were not restored. */
async function reapplyErasures(
  context: CliContext,
  config: Config,
  erasedUsers: readonly number[],
  mayLackKeys: boolean,
): Promise<void> {
  const log = createCommandLogger(context, config);
  await withStore(config, log, { onOtherRules: 'leave', mayLackKeys }, async ({ erasures }) => {
    const now = new Date();
    const command = {
      reason: 'erased since the copy was taken',
      auditActor: commandLineActor(),
      now,
    };
    const erased = await erasures.reapplyErasures({
      ...command,
      changeActor: COMMAND_LINE,
      erasedUsers,
    });
    context.print(
      `Erased ${erased.users} users and ${erased.identities} identities of other users again.`,
    );
    const postponed = await erasures.postponeRequests(new Date(now.getTime() + DAY_MS));
    context.print(`Postponed ${postponed} due erasures by one day.`);
    context.print(NOT_IN_COPY);
    await erasures.wipe();
  });
}

/** A user as `psql` copies it, or as the audit log names it. */
const USER = /^(User:)?\d{1,15}$/;

/** Reads user numbers, one per line. @throws {CliError} With the number of the first invalid line. */
function readIds(file: string): readonly number[] {
  if (!existsSync(file)) throw new CliError(`The file ${file} does not exist.`);
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const invalid = lines.findIndex((line) => !USER.test(line));
  if (invalid >= 0)
    throw new CliError(`${file}:${invalid + 1}: each line must be a user number, for example 42.`);
  return lines.map((line) => Number(line.replace('User:', '')));
}
