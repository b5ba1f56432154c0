/** Opens the store on the configured database, and checks that keys and projection rules fit the data. */

import { ConfigError, InvariantError, StoreUnavailableError } from '../domain/errors';
import type { StateRules } from '../domain/fold/user';
import type { Policy } from '../domain/policy';
import { createKeyRing, type KeyRing, type MasterKey } from '../encryption/key-ring';
import { createApiKeys } from './api-keys';
import { type AppendAudit, createAppendAudit } from './audit/append';
import { createAuditLog } from './audit/log';
import type { Connection, Database, Flag } from './database/database';
import type { DatabaseConfig } from './database/options';
import { readSetting } from './database/settings';
import type { Transact } from './database/transaction';
import { createErasures } from './erasure/create-erasures';
import type { ErasureHoldConfig } from './erasure/legal-holds';
import { type DedupDigests, loadDedupDigests } from './keys/dedup-digests';
import { loadSecret } from './keys/encrypted-secret';
import { type ErasureDigests, loadErasureDigests } from './keys/erasure-digests';
import { checkKeys } from './keys/master-keys';
import { createRotation } from './keys/rotate';
import { openDatabase } from './open-database';
import { createReader } from './read/create-reader';
import { createReplay } from './replay/replay';
import { createStatusChecks } from './status-checks';
import type { Store } from './store';
import { startWorker } from './worker/worker-client';
import { createCommands } from './write/commands';
import { createDeliveryWriter, type DeliveryWriter } from './write/delivery-writer';
import type { WriteFailure } from './write/outage-log';
import { logOutages } from './write/outage-log';
import {
  applyRules,
  checkRules,
  findUnseenLevels,
  type PolicyGuard,
} from './write/projection-version';
import { limitQueue } from './write/queue-limit';
import { Reprojector } from './write/reprojector';
import { createRunUnitOfWork } from './write/run-unit-of-work';
import { createTrimLog } from './write/trim-log';

export interface StoreConfig {
  readonly database: DatabaseConfig;
  /** The first key encrypts, every key decrypts. */
  readonly dataKeys: readonly [MasterKey, ...MasterKey[]];
  readonly policy: Policy;
  readonly acceptSandbox: boolean;
  readonly erasureHold?: ErasureHoldConfig | null;
  readonly policyGuard?: PolicyGuard;
}

/** The part of a logger that the store needs. */
export interface StoreLog {
  info(record: object, message: string): void;
  warn(record: object, message: string): void;
  error(record: object, message: string): void;
  fatal(record: object, message: string): void;
}

export interface StoreOptions {
  readonly clock?: () => Date;
  /** Called for every statement. */
  readonly onQuery?: (sql: string) => void;
  /**
   * Behavior if the data was projected by other rules:
   *
   * - `reproject` (default): projects all users again. For the gateway.
   * - `leave`: changes nothing. For a command next to a running gateway, which may lack a part of its configuration.
   * - `refuse`: throws. For a command that changes state, which would mix two sets of rules.
   */
  readonly onOtherRules?: 'reproject' | 'leave' | 'refuse';
  /** Called for every group of deliveries that was committed in one transaction. */
  readonly onCommit?: (deliveries: number, durationMs: number) => void;
  /** Called for every user whose state could not be updated after an expiry or a change of the rules. The state is unchanged. */
  readonly onSkippedUser?: () => void;
  /** Called for every delivery or other write that failed because the database is unavailable. */
  readonly onWriteFailure?: (reason: WriteFailure) => void;
  /** Whether a separate thread records deliveries. The thread uses the system clock. */
  readonly recordsInThread?: boolean;
  /** Whether to open a database in which no identity has a key, as after a restore of users who are all erased by now. */
  readonly mayLackKeys?: boolean;
  /** Called if the outcome of a commit is unknown. By default, the process exits; a restart reads the outcome from disk. */
  readonly onFatal?: (error: unknown) => void;
}

/** @throws {ConfigError} If the keys, the rules or the database do not fit the data. */
export async function openStore(
  config: StoreConfig,
  log: StoreLog,
  options: StoreOptions = {},
): Promise<Store> {
  const database = await openDatabase(config.database, options.onQuery);
  let deliveries: DeliveryWriter | undefined;
  try {
    const keyRing = createKeyRing(config.dataKeys);
    logOlderKeys(await checkKeys(database.writing, keyRing), keyRing, log);
    if (options.mayLackKeys !== true) await assertHasKeys(database.writing);
    const parts = {
      database,
      keyRing,
      dedupDigests: await loadDedupDigests(database.writing, keyRing),
      erasureDigests: await loadErasureDigests(database.writing, keyRing),
      rules: { policy: config.policy, acceptSandbox: config.acceptSandbox },
      clock: options.clock ?? systemClock,
    };
    const auditSecret = await loadSecret(database.writing, keyRing, 'audit_secret');
    deliveries = logOutages(
      await openDeliveryWriter(parts, config, log, options),
      log,
      options.onWriteFailure,
    );
    return await assembleStore({ ...parts, auditSecret, deliveries }, config, log, options);
  } catch (error) {
    await deliveries?.close();
    await database.close();
    throw error;
  }
}

interface Parts {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly dedupDigests: DedupDigests;
  readonly erasureDigests: ErasureDigests;
  readonly rules: StateRules;
  readonly clock: () => Date;
  readonly auditSecret: Buffer;
  readonly deliveries: DeliveryWriter;
}

function openDeliveryWriter(
  parts: Omit<Parts, 'auditSecret' | 'deliveries'>,
  { database, dataKeys }: StoreConfig,
  log: StoreLog,
  { onCommit, onFatal = exitProcess(log), recordsInThread }: StoreOptions,
): DeliveryWriter | Promise<DeliveryWriter> {
  const handlers = {
    onCommit,
    onFatal,
    onSalvage: (err: unknown) => log.error({ err }, 'failed to apply delivery; quarantined it'),
  };
  if (!recordsInThread) return createDeliveryWriter({ ...parts, ...handlers });
  return startWorker({ database, dataKeys, rules: parts.rules }, parts.database.writing, handlers);
}

async function assembleStore(
  parts: Parts,
  config: StoreConfig,
  log: StoreLog,
  options: StoreOptions,
): Promise<Store> {
  const { database, keyRing, dedupDigests, erasureDigests, rules, clock, deliveries } = parts;
  const { writing, reading } = database;
  const transaction: Transact = (work) => deliveries.transaction(() => work(writing));
  const appendAudit = createAppendAudit(parts.auditSecret);
  const runUnitOfWork = createRunUnitOfWork({ database, transaction, appendAudit });
  const reprojector = new Reprojector({
    database,
    transaction,
    keyRing,
    rules,
    clock,
    onSkip(userId, err) {
      options.onSkippedUser?.();
      log.error({ userId, err }, 'failed to re-evaluate user');
    },
  });
  await reconcileRules({ ...parts, transaction, appendAudit, reprojector }, config, log, options);

  return {
    ...createCommands({ runUnitOfWork, keyRing, rules }),
    logId: await readLogId(writing),
    record: limitQueue(deliveries.record),
    expire: (now) => reprojector.expire(now),
    trimLog: createTrimLog({ transaction, appendAudit, clock }),
    replay: createReplay({
      database,
      runUnitOfWork,
      checkRules: (connection) => checkRules(rules, connection),
      keyRing,
      dedupDigests,
      erasureDigests,
      rules,
      onFault: (err) => log.error({ err }, 'failed to replay delivery'),
    }),
    read: createReader(reading, keyRing),
    snapshot: (work) => database.snapshot((connection) => work(createReader(connection, keyRing))),
    queryJson: database.queryJson,
    apiKeys: createApiKeys(reading, transaction, appendAudit),
    statusChecks: createStatusChecks(reading, transaction),
    rotateDataKeys: createRotation({ connection: reading, transaction, keyRing, appendAudit }),
    erasures: createErasures({
      database,
      keyRing,
      erasureDigests,
      appendAudit,
      transaction,
      rules,
      minimumHold: config.erasureHold ?? null,
    }),
    audit: createAuditLog({ reading, transaction, appendAudit, secret: parts.auditSecret }),
    assertReady: () => assertMigrated(reading, database.migrations),

    async close() {
      await deliveries.close();
      await database.close();
    },
  };
}

interface RulesParts extends Pick<Parts, 'database' | 'rules' | 'clock'> {
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly reprojector: Reprojector;
}

/** @throws {ConfigError} If the data was projected by other rules, and the options or the guard forbid to apply the new ones. */
async function reconcileRules(
  { database, rules, clock, transaction, appendAudit, reprojector }: RulesParts,
  { policyGuard }: StoreConfig,
  log: StoreLog,
  { onOtherRules = 'reproject' }: StoreOptions,
): Promise<void> {
  const { writing } = database;
  if (onOtherRules === 'leave') return;
  if (onOtherRules === 'refuse') return await checkRules(rules, writing);
  // First, so that the log has the misspelled level even if the rules are then refused.
  const unseen = await findUnseenLevels(rules.policy, writing);
  if (unseen.length > 0) {
    log.warn({ levels: unseen }, 'policy refers to levels that no user has had');
  }
  await applyRules(rules, writing, {
    reprojector,
    guard: policyGuard,
    transaction,
    appendAudit,
    clock,
    onChanged: (effect) => log.info(effect, 'projection rules changed; reprojecting all users'),
  });
}

function logOlderKeys(older: readonly string[], { current }: KeyRing, log: StoreLog): void {
  if (older.length === 0) return;
  log.info(
    { current: current.id, older },
    'older master keys are still in use; run `kyc-gateway keys rotate-data` to replace them',
  );
}

async function assertMigrated(reading: Connection, migrations: number): Promise<void> {
  try {
    const [row] = await reading.query<{ n: number }>('SELECT count(*) AS n FROM migrations');
    // More are allowed: a newer version has started to take over.
    if ((row?.n ?? 0) < migrations) throw new Error('migrations are pending');
  } catch (error) {
    throw new StoreUnavailableError({ cause: error });
  }
}

function systemClock(): Date {
  return new Date();
}

function exitProcess(log: StoreLog): (err: unknown) => void {
  return (err) => {
    log.fatal({ err }, 'commit failed with unknown outcome; exiting');
    process.exit(1);
  };
}

/** Backups exclude the keys of identities. Without this check, a gateway started on a backup could never decrypt its users. */
async function assertHasKeys(connection: Connection): Promise<void> {
  const [row] = await connection.query<{ lost: Flag }>(
    `SELECT NOT EXISTS (SELECT 1 FROM identity_keys) AND EXISTS (
      SELECT 1 FROM identities i JOIN users u ON u.id = i.user_id WHERE u.erased_at IS NULL) AS lost`,
  );
  if (!row?.lost) return;
  throw new ConfigError([
    'DATABASE_URL: must be a database with the keys of its identities. Run `kyc-gateway restore` to combine a backup with its keys.',
  ]);
}

async function readLogId(connection: Connection): Promise<string> {
  const logId = await readSetting(connection, 'log_id');
  if (logId === undefined) throw new InvariantError('Database has no log ID');
  return logId;
}
