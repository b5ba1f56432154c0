/** TypeORM DataSource on PostgreSQL: column types of the shared entities, migrations. */

import 'reflect-metadata';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { PostgresConfig } from '../database/options';
import { ENTITIES } from '../entities/entities';
import { toClientConfig } from './connect';

/** Column types of the entities, and their types on PostgreSQL. */
const TYPES: Readonly<Record<string, string>> = {
  blob: 'bytea',
  integer: 'bigint',
  'simple-json': 'jsonb',
};

/** JSON columns that keep their text: events are compared by it, and `jsonb` reorders keys. */
const VERBATIM = new Set(['events.body']);

/**
 * Creates the DataSource, not yet initialized.
 *
 * @throws {ConfigError} If a certificate cannot be read.
 */
export function createDataSource(config: PostgresConfig): DataSource {
  return new PostgresDataSource({
    type: 'postgres',
    database: config.database,
    // One connection takes the lock, the other migrates.
    extra: { ...toClientConfig(config), max: 2 },
    installExtensions: false,
    poolErrorHandler: () => {}, // the next statement on a lost connection fails
    entities: ENTITIES,
    migrations: [join(__dirname, '../../../migrations/postgres/*.{js,ts}')],
    migrationsTransactionMode: 'all',
  });
}

class PostgresDataSource extends DataSource {
  protected override async buildMetadatas(): Promise<void> {
    const { driver } = this;
    const normalizeType = driver.normalizeType.bind(driver);
    driver.normalizeType = (column) => {
      const type = TYPES[String(column.type)];
      return type ?? normalizeType(column);
    };
    await super.buildMetadatas();
    for (const { columns, tableName } of this.entityMetadatas) {
      for (const column of columns) {
        if (column.type === 'text') column.collation = 'C';
        if (VERBATIM.has(`${tableName}.${column.databaseName}`)) column.type = 'json';
        // The gateway assigns IDs. See `save.ts`.
        if (column.isGenerated && tableName !== 'api_keys') column.isGenerated = false;
      }
    }
  }
}
