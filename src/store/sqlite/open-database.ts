/** Opens an SQLite file: one writing connection, several reading ones. */

import { StoreUnavailableError } from '../../domain/errors';
import type { Database, RecordingDatabase } from '../database/database';
import type { SqliteConfig } from '../database/options';
import { runJsonQuery } from '../json-query/run-json-query';
import { createConnection, type SqliteConnection } from './connection';
import { createDataSource, createReadingDataSource, READING, WRITING } from './data-source';
import { toOpeningError } from './opening-error';
import { prepareSaving, readDataVersion, saveUnitOfWork } from './save';
import { createSnapshotPool } from './snapshot-pool';

/** Connections that lend snapshots. More would only queue for the same processors. */
const SNAPSHOT_CONNECTIONS = 4;

/** How long readers are waited for, and writers kept waiting meanwhile, before the log is left for another time. */
const WIPE_TIMEOUT_MS = 100;

type OnQuery = (sql: string) => void;

/**
 * Applies the migrations that are missing.
 *
 * @param onQuery - Told of every statement.
 * @throws {ConfigError} if the file cannot be used. Names the path and the cause.
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
    const lent = await Promise.all(Array.from({ length: SNAPSHOT_CONNECTIONS }, open));
    const snapshots = createSnapshotPool(lent);
    return {
      ...recording,
      reading,
      snapshot: snapshots.run,
      async longSnapshot(work) {
        const own = createSnapshotPool([await openReading(file, onQuery)]);
        return await own.run(work).finally(() => own.close());
      },
      wipe: () => wipeLog(file),
      queryJson: (query, encoding) => snapshots.lend((lent) => runJsonQuery(lent, query, encoding)),
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

/** As much of it as a thread needs that does nothing but record. */
export async function openRecordingSqlite(
  config: SqliteConfig,
  onQuery?: OnQuery,
): Promise<RecordingDatabase & Pick<Database, 'migrations'>> {
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
    for (const pragma of WRITING) await writing.query(pragma);
    await dataSource.runMigrations();
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

/** The write-ahead log holds pages as they were. Who reads an old view keeps it: then it is tried again later. */
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
  for (const pragma of READING) await connection.query(pragma);
  return connection;
}
