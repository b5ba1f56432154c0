/** `kyc-gateway migrate`: brings the database's tables to what this version wants, or one step back. */

import { type Command, Option } from 'commander';
import type { DataSource } from 'typeorm';
import { migrating } from '../../store/data-source';
import { loadConfiguration } from '../configuration';
import type { CliContext } from '../context';

export function addMigrate(program: Command, context: CliContext): void {
  program
    .command('migrate')
    .description('apply the migrations that are missing (`start` does so too)')
    .addOption(new Option('--down', 'revert the last one; what only it could hold is lost'))
    .action(({ down = false }: { readonly down?: boolean }) => migrate(context, down));
}

async function migrate(context: CliContext, down: boolean): Promise<void> {
  const { database } = loadConfiguration(context);
  const work = down ? revert : apply;
  await migrating(database, (dataSource) => work(context, dataSource));
}

async function apply(context: CliContext, dataSource: DataSource): Promise<void> {
  const applied = await dataSource.runMigrations();
  for (const { name } of applied) context.print(`applied ${name}`);
  if (applied.length === 0) context.print('nothing to apply');
}

async function revert(context: CliContext, dataSource: DataSource): Promise<void> {
  const before = await appliedNames(dataSource);
  await dataSource.undoLastMigration();
  const after = new Set(await appliedNames(dataSource));
  const reverted = before.filter((name) => !after.has(name));
  for (const name of reverted) context.print(`reverted ${name}`);
  if (reverted.length === 0) context.print('nothing to revert');
}

/** Of the migrations in the order in which they were applied; none in a database that has never seen one. */
async function appliedNames(dataSource: DataSource): Promise<readonly string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    if (!(await runner.hasTable('migrations'))) return [];
    const rows: unknown = await runner.query('SELECT name FROM migrations ORDER BY id');
    return Array.isArray(rows) ? rows.map(({ name }) => String(name)) : [];
  } finally {
    await runner.release();
  }
}
