/** Opens an SQLite file: one writing connection, several reading ones. */

import { StoreUnavailableError } from '../../domain/errors';
import type { Database, RecordingDatabase } from '../database/database';
import type { SqliteConfig } from '../database/options';
import { runMigrations } from '../database/run-migrations';
import { runJsonQuery } from '../json-query/run-json-query';
import { createConnection, type SqliteConnection } from './connection';
import {
  createDataSource,
  createReadingDataSource,
  READER_SETTINGS,
  WRITER_SETTINGS,
} from './data-source';
import { getDriver } from './driver';
import { toOpeningError } from './opening-error';
import { prepareSaving, readDataVersion, saveUnitOfWork } from './save';
import { createSnapshotPool } from './snapshot-pool';

/** Number of connections for snapshots. More would compete for the same processors. */
const SNAPSHOT_CONNECTIONS = 4;

/** Maximum time that the checkpoint waits for readers, and blocks writers, before it gives up, in milliseconds. */
const WIPE_TIMEOUT_MS = 100;

type OnQuery = (sql: string) => void;

/**
 * Opens the database and applies missing migrations.
 *
 * @param onQuery - Called with each statement.
 * @throws {ConfigError} If the file cannot be used. Contains the path and the cause.
 */
export async function openSqlite(config: SqliteConfig, onQuery?: OnQuery): Promise<Database> {
  const { file } = config;
  const recording = await openRecordingSqlite(config, onQuery);
  const opened: SqliteConnection[] = [];
  const open = async () => {
    const connection = await openReading(file, onQuery);
    opened.push(connection);
    return connection;
  };
  try {
    const reading = await open();
    const pooled = await Promise.all(Array.from({ length: SNAPSHOT_CONNECTIONS }, open));
    const snapshots = createSnapshotPool(pooled);
    return {
      ...recording,
      reading,
      snapshot: snapshots.run,
      async longSnapshot(work) {
        const own = createSnapshotPool([await openReading(file, onQuery)]);
        return await own.run(work).finally(() => own.close());
      },
      wipe: () => wipeLog(file),
      queryJson: (query, encoding) => snapshots.use((own) => runJsonQuery(own, query, encoding)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }

  async function close(): Promise<void> {
    for (const connection of opened) await connection.close();
    await recording.close();
  }
}

/** Opens only the writing connection, for the writer thread. */
export async function openRecordingSqlite(
  config: SqliteConfig,
  onQuery?: OnQuery,
): Promise<RecordingDatabase & Pick<Database, 'migrations'>> {
  getDriver(config.driver);
  return await openRecording(config.file, onQuery).catch((error: unknown) => {
    throw toOpeningError(error, config);
  });
}

async function openRecording(
  file: string,
  onQuery?: OnQuery,
): Promise<RecordingDatabase & Pick<Database, 'migrations'>> {
  const dataSource = await createDataSource(file).initialize();
  const writing = createConnection(dataSource, onQuery);
  try {
    for (const pragma of WRITER_SETTINGS) await writing.query(pragma);
    await runMigrations(dataSource);
    await prepareSaving(writing);
  } catch (error) {
    await writing.close();
    throw error;
  }
  let knownVersion: number | null = null;
  return {
    writing,
    async isStale() {
      const version = await readDataVersion(writing);
      const isStale = version !== knownVersion;
      knownVersion = version;
      return isStale;
    },
    save: (unit) => saveUnitOfWork(unit, writing),
    migrations: dataSource.migrations.length,
    close: () => writing.close(),
  };
}

/** Truncates the write-ahead log, which contains old versions of pages. Returns false if a reader still needs them. */
async function wipeLog(file: string): Promise<boolean> {
  const dataSource = createDataSource(file);
  await dataSource.initialize();
  const connection = createConnection(dataSource);
  try {
    await connection.query(`PRAGMA busy_timeout = ${WIPE_TIMEOUT_MS}`);
    const [row] = await connection.query<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)');
    return row?.busy === 0;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return false;
    throw error;
  } finally {
    await connection.close();
  }
}

async function openReading(file: string, onQuery?: OnQuery): Promise<SqliteConnection> {
  const dataSource = createReadingDataSource(file);
  await dataSource.initialize();
  const connection = createConnection(dataSource, onQuery);
  for (const pragma of READER_SETTINGS) await connection.query(pragma);
  return connection;
}
