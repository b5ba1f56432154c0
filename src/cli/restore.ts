/** `kyc-gateway restore`: puts a copy and its keys together, and erases again whoever was erased since it was taken. */

import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { BackupError } from '../store/sqlite/copy-files';
import { restore as putTogether } from '../store/sqlite/restore';
import { COMMAND_LINE, commandLineActor } from './actor';
import { KEYS_FILE } from './backup';
import { createCommandLogger, loadConfiguration, withStore } from './configuration';
import { type CliContext, CliError } from './context';

const DAY_MS = 24 * 60 * 60_000;

const UNKNOWN =
  'Not known from here: holds set or released, and erasures asked for, after the keys were taken; on PostgreSQL, whatever of it you did not copy with the keys. Do it again within that day: docs/OPERATIONS.md, "What a copy does not know".';

interface Options {
  readonly keys?: string;
}

export function addRestore(program: Command, context: CliContext): void {
  program
    .command('restore')
    .description('put a backup and its keys together, and erase whoever has no key any more')
    .argument('[copy]', 'what `backup` wrote; without it, only erase, e.g. after pg_restore')
    .option('--keys <file>', `the newest keys (default: ${KEYS_FILE} beside the copy)`)
    .action((copy: string | undefined, options: Options) => restore(context, copy, options));
}

async function restore(
  context: CliContext,
  copy: string | undefined,
  { keys }: Options,
): Promise<void> {
  const config = loadConfiguration(context);
  const { database } = config;
  if (copy !== undefined) {
    if (database.kind === 'postgres') {
      throw new CliError(
        'DATABASE_URL is PostgreSQL: see docs/OPERATIONS.md, then run this alone.',
      );
    }
    const keysFile = resolve(keys ?? join(dirname(copy), KEYS_FILE));
    const counts = await putTogether(resolve(copy), keysFile, database.file).catch((cause) => {
      throw cause instanceof BackupError ? new CliError(cause.message, { cause }) : cause;
    });
    context.print(`${database.file}: ${counts.identities} accounts, ${counts.keys} with a key`);
    context.print(`holds and requests are those of entry ${counts.audited} of the audit log`);
  }
  const log = createCommandLogger(context, config);
  const mayLackKeys = copy !== undefined; // else: a database without any key has not been given its keys yet
  await withStore(config, log, { onOtherRules: 'leave', mayLackKeys }, async ({ erasures }) => {
    const reason = 'no key: erased since the copy was taken';
    const now = new Date();
    const by = { reason, actor: COMMAND_LINE, by: commandLineActor(), now };
    context.print(`erased again: ${await erasures.eraseKeyless(by)} users`);
    const putOff = await erasures.putOff(new Date(now.getTime() + DAY_MS));
    context.print(`put off by a day: ${putOff} erasures that are due`);
    context.print(UNKNOWN);
    await erasures.wipe();
  });
}
