/** Applies migrations, and rejects a database whose tables this version cannot migrate. */

import type { DataSource, Migration } from 'typeorm';
import { ConfigError } from '../../domain/errors';

/**
 * Applies missing migrations. Returns those that it applied.
 *
 * @throws {ConfigError} If other migrations than those of this version created the tables.
 */
export async function runMigrations(dataSource: DataSource): Promise<readonly Migration[]> {
  await assertKnownMigrations(dataSource);
  return await dataSource.runMigrations();
}

async function assertKnownMigrations(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    if (!(await runner.hasTable('migrations'))) return;
    const applied: { name: string }[] = await runner.query('SELECT name FROM migrations');
    const known = new Set(dataSource.migrations.map((each) => each.name ?? each.constructor.name));
    if (applied.length === 0 || applied.some(({ name }) => known.has(name))) return;
  } finally {
    await runner.release();
  }
  throw new ConfigError([
    'DATABASE_URL: an unreleased build created the tables of this database. Use an empty database.',
  ]);
}
