/** Opens a PostgreSQL database: migrations, one writing connection, pools of reading ones. */

import { isNativeError } from 'node:util/types';
import { QueryFailedError } from 'typeorm';
import type { PostgresConfig } from '../../config/database';
import { ConfigError } from '../../domain/errors';
import type { Database, RecordingDatabase } from '../database';
import { addressOf, limited, limitedWriter } from './connect';
import { createContention } from './contention';
import { createDataSource } from './data-source';
import { toStoreError } from './failure';
import { alone } from './migrate';
import { createPool } from './pool';
import { FINDING, saveGraph, WRITING } from './save-graph';
import { createSession } from './session';
import { createStatements, type ToStatement } from './statement';

/**
 * Applies the migrations that are missing, once, however many instances open it at a time.
 *
 * @param onQuery - Told of every statement.
 * @throws {ConfigError} if there is no such database, or it does not let us in; {StoreUnavailableError} if it is away.
 */
export async function openPostgres(
  config: PostgresConfig,
  onQuery?: (sql: string) => void,
): Promise<Database> {
  const migrations = await migrate(config);
  const toStatement = createStatements();
  const recording = openSessions(config, toStatement, onQuery);
  const client = limited(addressOf(config));
  // Apart: who waits for a view of the data may hold one, and both would wait for the same connections.
  const readers = Math.floor((config.maxConnections - 2) / 2);
  const reading = createPool({ config: client, max: readers, toStatement, onQuery });
  const views = createPool({
    config: client,
    max: config.maxConnections - 2 - readers,
    toStatement,
    onQuery,
  });

  return {
    ...recording,
    reading,
    tree: null,
    snapshot: views.snapshot,
    async longSnapshot(work) {
      const own = createPool({ config: client, max: 1, toStatement, onQuery });
      return await own.snapshot(work).finally(() => own.close());
    },
    migrations,
    wipe: async () => true, // the server's own vacuum does; see OPERATIONS
    async close() {
      for (const each of [reading, views, recording]) await each.close();
    },
  };
}

/** As much of it as a thread needs that does nothing but record, of a database that has its tables. */
export function openRecordingPostgres(config: PostgresConfig): RecordingDatabase {
  return openSessions(config, createStatements());
}

function openSessions(
  config: PostgresConfig,
  toStatement: ToStatement,
  onQuery?: (sql: string) => void,
): RecordingDatabase {
  const address = addressOf(config);
  const writer = limitedWriter(address);
  const writing = createSession({ config: writer, toStatement, setUp: WRITING, onQuery });
  const contention = createContention();
  const loading = createSession({ config: limited(address), toStatement, setUp: FINDING, onQuery });
  return {
    writing,
    loading,
    async version() {
      contention.assertQuiet();
      const [row] = await writing.query<{ version: number }>('SELECT version FROM sequencer');
      if (row === undefined) throw new Error('the sequencer has one row');
      return row.version;
    },
    save(graph, version) {
      const save = () => saveGraph(graph, writing, version);
      return version === null ? save() : contention.watch(save);
    },
    async close() {
      await loading.close();
      await writing.close();
    },
  };
}

/** @returns how many migrations there are. */
async function migrate(config: PostgresConfig): Promise<number> {
  const dataSource = createDataSource(config);
  try {
    await dataSource.initialize();
    await alone(dataSource, () => dataSource.runMigrations());
    return dataSource.migrations.length;
  } catch (error) {
    throw toOpeningError(error);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** Wrong address, role or database: to come again would not help. */
const REFUSED: Readonly<Record<string, string>> = {
  '28000': 'a role that this server lets in',
  '28P01': 'a role and its password',
  '3D000': 'a database that exists',
  '42501': 'a role that may create tables in the database',
  ENOTFOUND: 'a host that is known',
  ERR_TLS_CERT_ALTNAME_INVALID: 'a host that its certificate names (`sslmode=verify-full`)',
};

/** OpenSSL's words for a certificate that nobody known vouches for, or that is out of date, e.g. `CERT_HAS_EXPIRED`. */
const CERTIFICATE = /CERT|LEAF_SIGNATURE/;
const VOUCHED_FOR = 'a server with a valid certificate of an authority in `sslrootcert`';

function toOpeningError(error: unknown): unknown {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = isNativeError(cause) && 'code' in cause ? String(cause.code) : '';
  const expected = REFUSED[code] ?? (CERTIFICATE.test(code) ? VOUCHED_FOR : undefined);
  if (expected === undefined) return toStoreError(cause);
  return new ConfigError([`DATABASE_URL: expected ${expected}`], { cause });
}
