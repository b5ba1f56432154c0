/** `kyc-gateway migrate`: applies missing migrations, or reverts the last one. */

import { type Command, Option } from 'commander';
import type { DataSource } from 'typeorm';
import { withDataSource } from '../../store/data-source';
import { loadAppliedNames, runMigrations } from '../../store/database/run-migrations';
import { loadConfiguration } from '../configuration';
import type { CliContext } from '../context';

export function addMigrate(program: Command, context: CliContext): void {
  program
    .command('migrate')
    .description('Apply missing migrations. `start` does the same.')
    .addOption(
      new Option('--down', 'revert the last migration and delete the data that only it can store'),
    )
    .action(({ down = false }: { readonly down?: boolean }) => migrate(context, down));
}

async function migrate(context: CliContext, down: boolean): Promise<void> {
  const { database } = loadConfiguration(context);
  const work = down ? revert : apply;
  await withDataSource(database, (dataSource) => work(context, dataSource));
}

async function apply(context: CliContext, dataSource: DataSource): Promise<void> {
  const applied = await runMigrations(dataSource);
  for (const { name } of applied) context.print(`Applied ${name}.`);
  if (applied.length === 0) context.print('No migrations to apply.');
}

async function revert(context: CliContext, dataSource: DataSource): Promise<void> {
  const before = await loadAppliedNames(dataSource);
  await dataSource.undoLastMigration();
  const after = new Set(await loadAppliedNames(dataSource));
  const reverted = before.filter((name) => !after.has(name));
  for (const name of reverted) context.print(`Reverted ${name}.`);
  if (reverted.length === 0) context.print('No migrations to revert.');
}
