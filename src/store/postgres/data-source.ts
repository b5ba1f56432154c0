/** TypeORM's DataSource on PostgreSQL: what the entities, written for both engines, mean here; migrations. */

import 'reflect-metadata';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { PostgresConfig } from '../database/options';
import { ENTITIES } from '../entities/entities';
import { addressOf } from './connect';

/** The entities' words for columns, and ours. */
const TYPES: Readonly<Record<string, string>> = {
  blob: 'bytea',
  integer: 'bigint',
  'simple-json': 'jsonb',
};

/** Events are compared by the text of their JSON, which `jsonb` would arrange anew. */
const VERBATIM = new Set(['events.body']);

/** Not yet initialized. @throws {ConfigError} if a certificate cannot be read. */
export function createDataSource(config: PostgresConfig): DataSource {
  return new PostgresDataSource({
    type: 'postgres',
    database: config.database,
    // One holds the lock, the other migrates.
    extra: { ...addressOf(config), max: 2 },
    installExtensions: false,
    poolErrorHandler: () => {}, // whoever uses a connection that is lost is told
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
        // Ids are the gateway's to give. See `save.ts`.
        if (column.isGenerated && tableName !== 'api_keys') column.isGenerated = false;
      }
    }
  }
}
