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

/** Loads the names of applied migrations, in order. Empty in a new database. */
export async function loadAppliedNames(dataSource: DataSource): Promise<readonly string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    if (!(await runner.hasTable('migrations'))) return [];
    const rows: unknown = await runner.query('SELECT name FROM migrations ORDER BY id');
    return Array.isArray(rows) ? rows.map(({ name }) => String(name)) : [];
  } finally {
    await runner.release();
  }
}

async function assertKnownMigrations(dataSource: DataSource): Promise<void> {
  const applied = await loadAppliedNames(dataSource);
  const known = new Set(dataSource.migrations.map((each) => each.name ?? each.constructor.name));
  if (applied.length === 0 || applied.some((name) => known.has(name))) return;
  throw new ConfigError([
    'DATABASE_URL: an unreleased build created the tables of this database. Use an empty database.',
  ]);
}
