/** Opens the store on the database of the configuration, and sees that keys and rules fit what is there. */

import { createHash } from 'node:crypto';
import { type AuditAct, GATEWAY_ACTOR } from '../domain/audit';
import { ConfigError, StoreUnavailableError } from '../domain/errors';
import { PROJECTION_VERSION, type ProjectionRules } from '../domain/projection';
import { createApiKeys } from './api-keys';
import { type AppendAudit, createAppendAudit } from './audit';
import { createAuditLog } from './audit-log';
import type { Connection, Database, Flag } from './database';
import { createErasures } from './erasures';
import { createKeyRing, type KeyRing } from './key-ring';
import { checkKeys } from './master-keys';
import { openDatabase } from './open-database';
import { loadPseudonyms, type Pseudonyms } from './pseudonyms';
import { createReader } from './reader';
import { createRecorder, type Recorder } from './recorder';
import { type Keyed, loadRepeatKeys } from './repeat-keys';
import { createReplay } from './replay';
import { createRotation } from './rotate-data-keys';
import { loadSecret } from './sealed-secret';
import { createStatusAsks } from './status-asks';
import type { Store } from './store';
import type { StoreConfig } from './store-config';
import { startRecorder } from './threaded-recorder';
import { createWriter, type Writer } from './writer';

export type { StoreConfig } from './store-config';

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
  /** Told of every group of deliveries that was committed in one transaction, and how long that took. */
  readonly onCommit?: (deliveries: number, durationMs: number) => void;
  /** Whether to record in a thread of its own, by the system's clock. */
  readonly recordsInThread?: boolean;
  /** Whether to open a database though no account in it has a key, as after a restore of users who were all erased since. */
  readonly mayLackKeys?: boolean;
  /** A commit failed; by default the process ends, since a restart is the repair. */
  readonly onFatal?: (error: unknown) => void;
}

/** @throws {ConfigError} if the keys or the database do not fit what is already there. */
export async function openStore(
  config: StoreConfig,
  log: StoreLog,
  options: StoreOptions = {},
): Promise<Store> {
  const database = await openDatabase(config.database, options.onQuery);
  let recorder: Recorder | undefined;
  try {
    const keyRing = createKeyRing(config.dataKeys);
    tellOlderKeys(await checkKeys(database.writing, keyRing), keyRing, log);
    if (options.mayLackKeys !== true) await checkDataKeys(database.writing);
    const keyed = await loadRepeatKeys(database.writing, keyRing);
    const pseudonyms = await loadPseudonyms(database.writing, keyRing);
    const auditSecret = await loadSecret(database.writing, keyRing, 'audit_secret');
    recorder = await openRecorder({ database, keyRing, keyed, pseudonyms }, config, log, options);
    const parts = { database, keyRing, keyed, pseudonyms, recorder, auditSecret };
    return await assemble(parts, config, log, options);
  } catch (error) {
    await recorder?.close();
    await database.close();
    throw error;
  }
}

function openRecorder(
  parts: Pick<Parts, 'database' | 'keyRing' | 'keyed' | 'pseudonyms'>,
  config: StoreConfig,
  log: StoreLog,
  { clock = systemClock, onCommit, onFatal = endProcess(log), recordsInThread }: StoreOptions,
): Recorder | Promise<Recorder> {
  const told = {
    onCommit,
    onFatal,
    onSalvage: (err: unknown) =>
      log.error({ err }, 'a delivery could not be applied and was quarantined'),
  };
  const rules = rulesOf(config);
  if (!recordsInThread) return createRecorder({ ...parts, ...told, rules, clock });
  const { dataKeys, database } = config;
  return startRecorder({ database, dataKeys, rules }, parts.database.writing, told);
}

interface Parts {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly keyed: Keyed;
  readonly pseudonyms: Pseudonyms;
  readonly recorder: Recorder;
  readonly auditSecret: Buffer;
}

async function assemble(
  { database, keyRing, keyed, pseudonyms, recorder, auditSecret }: Parts,
  config: StoreConfig,
  log: StoreLog,
  options: StoreOptions,
): Promise<Store> {
  const { writing, reading } = database;
  const rules = rulesOf(config);
  const appendAudit = createAppendAudit(auditSecret);
  const { reprojectAll, transaction, change, ...writer } = createWriter({
    database,
    recorder,
    keyRing,
    appendAudit,
    rules,
    clock: options.clock ?? systemClock,
    onStuck: (userId, err) => log.error({ userId, err }, 'a user could not be judged anew'),
  });
  if (options.onOtherRules === 'refuse') await checkRules(rules, writing);
  else if (options.onOtherRules !== 'leave') {
    const now = options.clock ?? systemClock;
    await applyRules(rules, writing, { reprojectAll, transaction, appendAudit, now }, log);
  }

  return {
    ...writer,
    replay: createReplay({
      database,
      change,
      checkRules: (using) => checkRules(rules, using),
      keyRing,
      keyed,
      pseudonyms,
      rules,
      onFault: (err) => log.error({ err }, 'a delivery could not be applied again'),
    }),
    logId: await readSetting(writing, 'log_id'),
    read: createReader(reading, keyRing),
    snapshot: (work) => database.snapshot((lent) => work(createReader(lent, keyRing))),
    tree: database.tree,
    apiKeys: createApiKeys(reading, transaction, appendAudit),
    statusAsks: createStatusAsks(reading, transaction),
    rotateDataKeys: createRotation({ connection: reading, transaction, keyRing, appendAudit }),
    erasures: createErasures({
      database,
      keyRing,
      pseudonyms,
      appendAudit,
      transaction,
      rules,
      hold: config.erasureHold ?? null,
    }),
    audit: createAuditLog({ reading, transaction, append: appendAudit, secret: auditSecret }),
    assertReady: () => assertMigrated(reading, database.migrations),

    async close() {
      await writer.close();
      await database.close();
    },
  };
}

function tellOlderKeys(older: readonly string[], { current }: KeyRing, log: StoreLog): void {
  if (older.length === 0) return;
  log.info(
    { current: current.id, older },
    'older master keys are still in use; `kyc-gateway keys rotate-data` brings what lies under them under the current one',
  );
}

async function assertMigrated(reading: Connection, migrations: number): Promise<void> {
  try {
    const [row] = await reading.query<{ n: number }>('SELECT count(*) AS n FROM migrations');
    // More is well: a newer version has begun to take over.
    if ((row?.n ?? 0) < migrations) throw new Error('migrations are pending');
  } catch (error) {
    throw new StoreUnavailableError({ cause: error });
  }
}

function systemClock(): Date {
  return new Date();
}

function rulesOf({ policy, acceptSandbox }: StoreConfig): Omit<ProjectionRules, 'now'> {
  return { policy, acceptSandbox };
}

function endProcess(log: StoreLog): (err: unknown) => void {
  return (err) => {
    log.fatal({ err }, 'a commit failed; ending the process, a restart is the repair');
    process.exit(1);
  };
}

// ── What the database remembers about itself ────────────────────────────────────────────────────────────────────────

/** A copy is made without the keys of accounts; a gateway that ran upon it would read nobody, and never again. */
async function checkDataKeys(connection: Connection): Promise<void> {
  const [row] = await connection.query<{ lost: Flag }>(
    `SELECT NOT EXISTS (SELECT 1 FROM identity_keys) AND EXISTS (
      SELECT 1 FROM identities i JOIN users u ON u.id = i.user_id WHERE u.erased_at IS NULL) AS lost`,
  );
  if (!row?.lost) return;
  throw new ConfigError([
    'DATABASE_URL: expected a database with the keys of its accounts; `kyc-gateway restore` puts a copy and its keys together',
  ]);
}

/** State is made by rules; where they or our reading of them have changed since, everybody is projected again first. */
async function applyRules(
  rules: Omit<ProjectionRules, 'now'>,
  connection: Connection,
  { reprojectAll, transaction, appendAudit, now }: Reprojection,
  log: StoreLog,
): Promise<void> {
  const fingerprint = fingerprintOf(rules);
  const held = await heldRules(connection);
  if (held === fingerprint) return;
  if (held !== undefined) log.info({}, 'the rules have changed; projecting every user again');
  await reprojectAll();
  await transaction(async (writing) => {
    const since = await heldRules(writing);
    if (since === fingerprint) return; // another instance was faster
    await writing.query(
      `INSERT INTO settings (name, value) VALUES ('rules', ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [fingerprint],
    );
    if (since !== undefined) await appendAudit(writing, [rulesChange(since, fingerprint, now())]);
  });
}

interface Reprojection extends Pick<Writer, 'reprojectAll' | 'transaction'> {
  readonly appendAudit: AppendAudit;
  readonly now: () => Date;
}

function rulesChange(from: string, to: string, at: Date): AuditAct {
  const details = { from, to };
  return {
    action: 'RULES_CHANGED',
    actor: GATEWAY_ACTOR,
    subject: null,
    reason: null,
    details,
    at,
  };
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
