import type { DatabaseConfig } from '../../../src/store/database/options';
import { createDataSource } from '../../../src/store/sqlite/data-source';
import { query } from '../../support/databases';
import { openTestStore } from '../open-test-store';

describe('the migrations', () => {
  it('create the schema of the entities', async () => {
    const { store, database } = await openTestStore();
    const file = fileOf(database);
    await store.assertReady();
    const dataSource = createDataSource(file);
    await dataSource.initialize();
    try {
      const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
      expect(upQueries.map((statement) => statement.query)).toEqual([]);
    } finally {
      await dataSource.destroy();
    }
  });

  it('go down and up again', async () => {
    const { store, database } = await openTestStore();
    const file = fileOf(database);
    await store.close();
    const dataSource = createDataSource(file);
    await dataSource.initialize();
    try {
      for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
      const left = await query<{ name: string }>(
        database,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'",
      );
      expect(left).toEqual([]);
      await dataSource.runMigrations();
      expect(await dataSource.showMigrations()).toBe(false);
    } finally {
      await dataSource.destroy();
    }
  });

  it('leave the store not ready while one is missing', async () => {
    const { store, database } = await openTestStore();
    const file = fileOf(database);
    const dataSource = createDataSource(file);
    await dataSource.initialize();
    await dataSource.query('DELETE FROM migrations');
    await dataSource.destroy();
    await expect(store.assertReady()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('the database', () => {
  it('has a write-ahead log, full synchronization and foreign keys', async () => {
    const { database } = await openTestStore();
    expect(await query(database, 'PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await query(database, 'PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }]);
  });
});

function fileOf(database: DatabaseConfig): string {
  if (database.kind !== 'sqlite') throw new Error('these tests run on SQLite');
  return database.file;
}
