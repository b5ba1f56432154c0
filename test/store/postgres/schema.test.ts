/** Migrations on PostgreSQL, also with several instances that open the database at the same time. */

import { CHANGE_CAUSES } from '../../../src/domain/change';
import { LEVEL_KINDS, SUBJECT_KINDS } from '../../../src/domain/level';
import {
  ATTEMPT_STATUSES,
  DISPOSITIONS,
  TRUSTS,
  VERIFICATION_STATUSES,
} from '../../../src/domain/status';
import type { DatabaseConfig } from '../../../src/store/database/options';
import { openStore } from '../../../src/store/open-store';
import { createDataSource } from '../../../src/store/postgres/data-source';
import { change, createTestDatabase, query } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { openTestStore, SILENT } from '../open-test-store';

const disposal = createDisposal();

function serverOf(database: DatabaseConfig) {
  if (database.kind !== 'postgres') throw new Error('these tests run on PostgreSQL');
  return database;
}

describe('the migrations', () => {
  it('create the schema of the entities', async () => {
    const { store, database } = await openTestStore();
    await store.assertReady();
    const dataSource = await createDataSource(serverOf(database)).initialize();
    disposal.defer(() => dataSource.destroy());
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    // Index for a foreign key, which only PostgreSQL needs.
    const expected = ['DROP INDEX "public"."user_levels_by_attempt"'];
    expect(upQueries.map((statement) => statement.query)).toEqual(expected);
  });

  it('go down and up again', async () => {
    const { store, database } = await openTestStore();
    await store.close();
    const dataSource = await createDataSource(serverOf(database)).initialize();
    disposal.defer(() => dataSource.destroy());
    for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
    const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    expect(await query(database, tables)).toEqual([{ tablename: 'migrations' }]);
    await dataSource.runMigrations();
    expect(await dataSource.showMigrations()).toBe(false);
  });

  it('leave the store not ready while one is missing', async () => {
    const { store, database } = await openTestStore();
    await change(database, 'DELETE FROM migrations');
    await expect(store.assertReady()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('accept exactly the values of the domain', async () => {
    const { database } = await openTestStore();
    const rows = await query<{ name: string; words: string }>(
      database,
      `SELECT t.typname AS name, pg_get_constraintdef(c.oid) AS words
        FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid
        WHERE t.typnamespace = 'public'::regnamespace`,
    );
    const known = new Map(
      rows.map(({ name, words }) => [name, words.match(/(?<=')[A-Z_]+(?=')/g)]),
    );
    expect(Object.fromEntries(known)).toEqual({
      account_state: ['ACTIVE', 'DEACTIVATED', 'DELETED'],
      attempt_status: expect.arrayContaining([...ATTEMPT_STATUSES]),
      change_cause: [...CHANGE_CAUSES],
      disposition: [...DISPOSITIONS],
      level_kind: [...LEVEL_KINDS],
      subject_kind: [...SUBJECT_KINDS],
      trust: [...TRUSTS],
      verification_status: [...VERIFICATION_STATUSES],
    });
  });
});

it('migrates an empty database once if several instances open it, with one change log for all', async () => {
  const database = await createTestDatabase('NOTHING');
  disposal.defer(database.drop);
  const { config } = await openTestStore();
  const stores = await Promise.all(
    [1, 2, 3, 4].map(() => openStore({ ...config, database: database.config }, SILENT)),
  );
  for (const store of stores) disposal.defer(() => store.close());
  expect(new Set(stores.map(({ logId }) => logId)).size).toBe(1);
  const settings = await query<{ name: string }>(database.config, 'SELECT name FROM settings');
  expect(settings.map(({ name }) => name).sort()).toEqual([
    'audit_secret',
    'data_key:test',
    'dedup_secret',
    'erasure_secret',
    'log_floor',
    'log_id',
    'rules',
  ]);
});
