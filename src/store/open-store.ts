/** Opens the store on an SQLite file: migrations, one writing connection, several reading ones. */

import { createHash } from 'node:crypto';
import { chmodSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { Config } from '../config';
import { ConfigError, StoreUnavailableError } from '../domain/errors';
import { PROJECTION_VERSION, type ProjectionRules } from '../domain/projection';
import { createApiKeys } from './api-keys';
import { type Connection, createConnection } from './connection';
import { createDataSource, createReadingDataSource, WRITING } from './data-source';
import { createKeyRing, type KeyRing } from './key-ring';
import { createReader } from './reader';
import { loadRepeatKeys } from './repeat-keys';
import { createReplay } from './replay';
import { prepareSaving } from './save-graph';
import { createSnapshots } from './snapshots';
import type { Store } from './store';
import { readTree } from './tree-reader';
import { createWriter, type Writer } from './writer';

export type StoreConfig = Pick<Config, 'database' | 'dataKeys' | 'policy' | 'acceptSandbox'>;

/** The part of a logger that the store needs. */
export interface StoreLog {
  info(record: object, message: string): void;
  error(record: object, message: string): void;
  fatal(record: object, message: string): void;
}

export interface StoreOptions {
  readonly clock?: () => Date;
  /** Told of every statement, e.g. to count them. */
  readonly onQuery?: (sql: string) => void;
  /**
   * What to do where the data was made by another policy than this one's: project everybody again (the gateway), leave it
   * as it is (a command beside a running gateway, which may know less of its configuration), or refuse (a command that
   * changes state, which would be of two minds then).
   */
  readonly onOtherRules?: 'reproject' | 'leave' | 'refuse';
  /** A commit failed; by default the process ends, since a restart is the repair. */
  readonly onFatal?: (error: unknown) => void;
}

/** Connections that lend snapshots. More would only queue for the same processors. */
const SNAPSHOT_CONNECTIONS = 4;

/** @throws {ConfigError} if the keys or the file do not fit what is already there. */
export async function openStore(
  config: StoreConfig,
  log: StoreLog,
  options: StoreOptions = {},
): Promise<Store> {
  const writing = await openWriting(config.database.file);
  const connection = createConnection(writing, options.onQuery);
  try {
    for (const pragma of WRITING) await connection.query(pragma);
    await writing.runMigrations();
    await prepareSaving(connection);
    return await assemble(writing, connection, config, log, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function openWriting(file: string): Promise<DataSource> {
  const dataSource = createDataSource(file);
  try {
    await dataSource.initialize();
    chmodSync(file, 0o600); // its write-ahead log takes after it
    return dataSource;
  } catch (cause) {
    const fault =
      'DATABASE_URL: expected a file that is an SQLite database (it is not a database, or cannot be opened)';
    throw new ConfigError([fault], { cause });
  }
}

async function assemble(
  writing: DataSource,
  connection: Connection,
  { database: { file }, dataKeys, policy, acceptSandbox }: StoreConfig,
  log: StoreLog,
  options: StoreOptions,
): Promise<Store> {
  const { clock = () => new Date(), onQuery, onFatal = (err) => endProcess(log, err) } = options;
  const keyRing = createKeyRing(dataKeys);
  await checkKeys(connection, keyRing);
  const rules = { policy, acceptSandbox };
  const reading = await openReading(file, onQuery);
  const loading = await openReading(file, onQuery);
  const keyed = await loadRepeatKeys(connection, keyRing);
  const { reprojectAll, transaction, change, ...writer } = createWriter({
    connection,
    reading,
    loading,
    keyRing,
    keyed,
    rules,
    clock,
    onFatal,
    onSalvage: (err) => log.error({ err }, 'a delivery could not be applied and was quarantined'),
    onStuck: (userId, err) => log.error({ userId, err }, 'a user could not be judged anew'),
  });
  if (options.onOtherRules === 'refuse') await checkRules(rules, connection);
  else if (options.onOtherRules !== 'leave') {
    await applyRules(rules, connection, { reprojectAll, transaction }, log);
  }

  const lent = await Promise.all(
    Array.from({ length: SNAPSHOT_CONNECTIONS }, () => openReading(file, onQuery)),
  );
  const snapshots = createSnapshots(lent);

  return {
    ...writer,
    replay: createReplay({
      openReading: () => openReading(file, onQuery),
      change,
      checkRules: (using) => checkRules(rules, using),
      keyRing,
      keyed,
      rules,
      onFault: (err) => log.error({ err }, 'a delivery could not be applied again'),
    }),
    logId: await readSetting(connection, 'log_id'),
    read: createReader(reading, keyRing),
    snapshot: (work) => snapshots.run((lender) => work(createReader(lender, keyRing))),
    tree: (tree, spelling) => snapshots.lend((lender) => readTree(lender, tree, spelling)),
    apiKeys: createApiKeys(writing, reading, transaction),
    assertReady: () => assertMigrated(reading, writing.migrations.length),

    async close() {
      await writer.close();
      await loading.close();
      await snapshots.close();
      await reading.close();
      await connection.close();
    },
  };
}

async function assertMigrated(reading: Connection, migrations: number): Promise<void> {
  try {
    const [row] = await reading.query<{ n: number }>('SELECT count(*) AS n FROM migrations');
    if (row?.n !== migrations) throw new Error('migrations are pending');
  } catch (error) {
    throw new StoreUnavailableError({ cause: error });
  }
}

async function openReading(file: string, onQuery?: (sql: string) => void): Promise<Connection> {
  const dataSource: DataSource = createReadingDataSource(file);
  await dataSource.initialize();
  return createConnection(dataSource, onQuery);
}

function endProcess(log: StoreLog, err: unknown): void {
  log.fatal({ err }, 'a commit failed; ending the process, a restart is the repair');
  process.exit(1);
}

// ── What the database remembers about itself ────────────────────────────────────────────────────────────────────────

const PROBE = Buffer.from('kyc-gateway');

/** A probe lies under every master key that was ever used, so that a missing or mistaken one is found at the start. */
async function checkKeys(connection: Connection, keyRing: KeyRing): Promise<void> {
  const probes = await connection.query<{ name: string; value: string }>(
    "SELECT name, value FROM settings WHERE name LIKE 'data_key:%'",
  );
  const faults = probes.flatMap(({ name, value }) => probeFault(keyRing, name.slice(9), value));
  if (faults.length > 0) throw new ConfigError(faults);
  const { id, cipher } = keyRing.current;
  if (probes.some(({ name }) => name === `data_key:${id}`)) return;
  await connection.query('INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)', [
    `data_key:${id}`,
    cipher.seal(PROBE, 'probe').toString('base64'),
  ]);
}

function probeFault(keyRing: KeyRing, id: string, probe: string): readonly string[] {
  const cipher = keyRing.master(id);
  if (cipher === undefined) {
    return [`DATA_KEYS: expected the key with id ${id}: data in the database lies under it`];
  }
  try {
    cipher.open(Buffer.from(probe, 'base64'), 'probe');
    return [];
  } catch {
    return [`DATA_KEYS: expected the key with id ${id} to be the one that the data lies under`];
  }
}

/** State is made by rules; where they or our reading of them have changed since, everybody is projected again first. */
async function applyRules(
  rules: Omit<ProjectionRules, 'now'>,
  connection: Connection,
  { reprojectAll, transaction }: Pick<Writer, 'reprojectAll' | 'transaction'>,
  log: StoreLog,
): Promise<void> {
  const fingerprint = fingerprintOf(rules);
  const held = await heldRules(connection);
  if (held === fingerprint) return;
  if (held !== undefined) log.info({}, 'the rules have changed; projecting every user again');
  await reprojectAll();
  await transaction(async (writing) => {
    await writing.query(
      `INSERT INTO settings (name, value) VALUES ('rules', ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [fingerprint],
    );
  });
}

async function checkRules(
  rules: Omit<ProjectionRules, 'now'>,
  connection: Connection,
): Promise<void> {
  const held = await heldRules(connection);
  if (held === undefined || held === fingerprintOf(rules)) return; // undefined: no gateway has ever run on this data
  throw new ConfigError([
    'POLICY_FILE, ACCEPT_SANDBOX: expected those of the gateway that last ran on this data; give the command the same environment, or start the gateway with this one first',
  ]);
}

function fingerprintOf(rules: Omit<ProjectionRules, 'now'>): string {
  const made = JSON.stringify([PROJECTION_VERSION, rules]);
  return createHash('sha256').update(made).digest('hex');
}

function heldRules(connection: Connection): Promise<string | undefined> {
  return readSetting(connection, 'rules').catch(() => undefined);
}

async function readSetting(connection: Connection, name: string): Promise<string> {
  const [row] = await connection.query<{ value: string }>(
    'SELECT value FROM settings WHERE name = ?',
    [name],
  );
  if (row === undefined) throw new Error(`the database holds no setting ${name}`);
  return row.value;
}
