/** Opens the store on the database of the configuration, and sees that keys and rules fit what is there. */

import { ConfigError, InvariantError, StoreUnavailableError } from '../domain/errors';
import type { StateRules } from '../domain/fold/user';
import type { Policy } from '../domain/policy';
import { createKeyRing, type KeyRing, type MasterKey } from '../encryption/key-ring';
import { createApiKeys } from './api-keys';
import { createAppendAudit } from './audit/append';
import { createAuditLog } from './audit/log';
import type { Connection, Database, Flag } from './database/database';
import type { DatabaseConfig } from './database/options';
import { logOutages } from './database/outage-log';
import { readSetting } from './database/settings';
import { createErasures } from './erasure/create-erasures';
import type { ErasureHoldConfig } from './erasure/legal-holds';
import { type DedupDigests, loadDedupDigests } from './keys/dedup-digests';
import { loadSecret } from './keys/encrypted-secret';
import { type ErasureDigests, loadErasureDigests } from './keys/erasure-digests';
import { checkKeys } from './keys/master-keys';
import { createRotation } from './keys/rotate';
import { openDatabase } from './open-database';
import { createReader } from './read/open-reader';
import { createReplay } from './replay/replay';
import { createStatusChecks } from './status-checks';
import type { Store } from './store';
import { startWorker } from './worker/worker-client';
import { createCommands } from './write/commands';
import { createDeliveryWriter, type DeliveryWriter } from './write/delivery-writer';
import { applyRules, checkRules, unseenLevels } from './write/projection-version';
import { limitQueue } from './write/queue-limit';
import type { WriteFailure } from './write-failure';

export interface StoreConfig {
  readonly database: DatabaseConfig;
  /** The first key encrypts, every key decrypts. */
  readonly dataKeys: readonly [MasterKey, ...MasterKey[]];
  readonly policy: Policy;
  readonly acceptSandbox: boolean;
  readonly erasureHold?: ErasureHoldConfig | null;
  readonly policyGuard?: PolicyGuard;
}

/** Limits the effect of a policy change at startup. */
export interface PolicyGuard {
  /** Maximum share of verified users that may lose their verification, in percent. */
  readonly maxLossPercent: number;
  /** Whether to apply the policy in spite of the limit. */
  readonly force: boolean;
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
  /** Called when the state of a user could not be updated after an expiry or a change of the rules. It stays as it was. */
  readonly onSkippedUser?: () => void;
  /** Called for every delivery and other write that failed because the database is unavailable. */
  readonly onWriteFailure?: (reason: WriteFailure) => void;
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
  let recorder: DeliveryWriter | undefined;
  try {
    const keyRing = createKeyRing(config.dataKeys);
    tellOlderKeys(await checkKeys(database.writing, keyRing), keyRing, log);
    if (options.mayLackKeys !== true) await checkDataKeys(database.writing);
    const parts = {
      database,
      keyRing,
      keyed: await loadDedupDigests(database.writing, keyRing),
      pseudonyms: await loadErasureDigests(database.writing, keyRing),
      rules: rulesOf(config),
      clock: options.clock ?? systemClock,
    };
    const auditSecret = await loadSecret(database.writing, keyRing, 'audit_secret');
    recorder = logOutages(
      await openRecorder(parts, config, log, options),
      log,
      options.onWriteFailure,
    );
    return await assemble({ ...parts, auditSecret, recorder }, config, log, options);
  } catch (error) {
    await recorder?.close();
    await database.close();
    throw error;
  }
}

function openRecorder(
  parts: Omit<Parts, 'auditSecret' | 'recorder'>,
  { database, dataKeys }: StoreConfig,
  log: StoreLog,
  { onCommit, onFatal = endProcess(log), recordsInThread }: StoreOptions,
): DeliveryWriter | Promise<DeliveryWriter> {
  const told = {
    onCommit,
    onFatal,
    onSalvage: (err: unknown) =>
      log.error({ err }, 'a delivery could not be applied and was quarantined'),
  };
  if (!recordsInThread) return createDeliveryWriter({ ...parts, ...told });
  return startWorker({ database, dataKeys, rules: parts.rules }, parts.database.writing, told);
}

interface Parts {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly keyed: DedupDigests;
  readonly pseudonyms: ErasureDigests;
  readonly rules: StateRules;
  readonly clock: () => Date;
  readonly auditSecret: Buffer;
  readonly recorder: DeliveryWriter;
}

async function assemble(
  { database, keyRing, keyed, pseudonyms, rules, clock, auditSecret, recorder }: Parts,
  config: StoreConfig,
  log: StoreLog,
  options: StoreOptions,
): Promise<Store> {
  const { writing, reading } = database;
  const appendAudit = createAppendAudit(auditSecret);
  const { reprojectAll, forecast, transaction, change, ...writer } = createCommands({
    database,
    recorder,
    keyRing,
    appendAudit,
    rules,
    clock,
    onStuck(userId, err) {
      options.onSkippedUser?.();
      log.error({ userId, err }, 'a user could not be judged anew');
    },
  });
  if (options.onOtherRules === 'refuse') await checkRules(rules, writing);
  else if (options.onOtherRules !== 'leave') {
    // First: it names the misspelt level also if the rules are then refused.
    const unseen = await unseenLevels(rules.policy, writing);
    if (unseen.length > 0) {
      log.warn({ levels: unseen }, 'the policy names levels at which no user was ever seen');
    }
    await applyRules(rules, writing, {
      reprojectAll,
      forecast,
      guard: config.policyGuard,
      transaction,
      appendAudit,
      clock,
      onChanged: (effect) =>
        log.info(effect, 'the rules have changed; projecting every user again'),
    });
  }

  return {
    ...writer,
    record: limitQueue(recorder.record),
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
    logId: await readLogId(writing),
    read: createReader(reading, keyRing),
    snapshot: (work) => database.snapshot((lent) => work(createReader(lent, keyRing))),
    queryJson: database.queryJson,
    apiKeys: createApiKeys(reading, transaction, appendAudit),
    statusChecks: createStatusChecks(reading, transaction),
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
      await recorder.close();
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

function rulesOf({ policy, acceptSandbox }: StoreConfig): StateRules {
  return { policy, acceptSandbox };
}

function endProcess(log: StoreLog): (err: unknown) => void {
  return (err) => {
    log.fatal(
      { err },
      'recording stopped with an unknown outcome; ending the process, a restart is the repair',
    );
    process.exit(1);
  };
}

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

async function readLogId(connection: Connection): Promise<string> {
  const logId = await readSetting(connection, 'log_id');
  if (logId === undefined) throw new InvariantError('Database has no log ID');
  return logId;
}
