/** `kyc-gateway restore`: puts a copy and its keys together, and erases again whoever was erased since it was taken. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/load-config';
import { BackupError } from '../../store/backup/files';
import { restore as putTogether, type Restored } from '../../store/backup/restore';
import { COMMAND_LINE, commandLineActor } from '../actor';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError } from '../context';
import { KEYS_FILE } from './backup';

const DAY_MS = 24 * 60 * 60_000;

const UNKNOWN =
  'Not known from here: holds set or released, and erasures asked for, after the keys were taken; on PostgreSQL, whatever of it you did not copy with the keys. Do it again within that day: docs/operations.md, "Repeat what neither part contains".';

interface Options {
  readonly keys?: string;
  readonly erasedUsers?: string;
}

export function addRestore(program: Command, context: CliContext): void {
  program
    .command('restore')
    .description('put a backup and its keys together, and erase whoever was erased since')
    .argument('[copy]', 'what `backup` wrote; without it, only erase, e.g. after pg_restore')
    .option('--keys <file>', `the newest keys (default: ${KEYS_FILE} beside the copy)`)
    .option('--erased-users <file>', 'without a copy: who was erased, a number on each line')
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
    if (erasedUsers === undefined) throw new CliError('Without a copy, give --erased-users.');
    await reapplyErasures(context, config, readIds(resolve(erasedUsers)), false);
    return;
  }
  if (database.kind === 'postgres') {
    throw new CliError('DATABASE_URL is PostgreSQL: see docs/operations.md, then run this alone.');
  }
  const keysFile = resolve(keys ?? join(dirname(copy), KEYS_FILE));
  const finish = async (file: string, restored: Restored) => {
    const { identities, audited } = restored;
    context.print(`${database.file}: ${identities} accounts, ${restored.keys} with a key`);
    context.print(`holds and requests are those of entry ${audited} of the audit log`);
    const draft = { ...config, database: { ...database, file } };
    await reapplyErasures(context, draft, restored.erasedUsers, true);
  };
  await putTogether(resolve(copy), keysFile, database.file, finish).catch((cause) => {
    throw cause instanceof BackupError ? new CliError(cause.message, { cause }) : cause;
  });
}

/** @param mayLackKeys - Else a database without any key has not been given its keys yet. */
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
    context.print(`erased again: ${erased.users} users, ${erased.accounts} accounts of others`);
    const postponeRequests = await erasures.postponeRequests(new Date(now.getTime() + DAY_MS));
    context.print(`put off by a day: ${postponeRequests} erasures that are due`);
    context.print(UNKNOWN);
    await erasures.wipe();
  });
}

/** As `psql` copies it, or as the audit log names a user. */
const USER = /^(User:)?\d{1,15}$/;

/** @throws {CliError} naming the line that is no number of a user. */
function readIds(file: string): readonly number[] {
  if (!existsSync(file)) throw new CliError(`There is no file ${file}.`);
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const strange = lines.findIndex((line) => !USER.test(line));
  if (strange >= 0) throw new CliError(`${file}:${strange + 1}: expected the number of a user.`);
  return lines.map((line) => Number(line.replace('User:', '')));
}
