/** Loads the configuration from environment variables and reports all faults together. */

import { z } from 'zod';
import type { JwtOptions } from '../access/jwt';
import type { EndUserReasons } from '../domain/end-user-reasons';
import { ConfigError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import type { MonitoringRules } from '../domain/monitoring';
import { DEFAULT_POLICY, type Policy } from '../domain/policy';
import type { MasterKey } from '../encryption/key-ring';
import type { ReconciliationConfig } from '../jobs/reconcile/candidates';
import type { WebhookSecret } from '../providers/provider';
import type { ProviderApis } from '../providers/registry';
import type { DatabaseConfig } from '../store/database/options';
import type { ErasureHoldConfig } from '../store/erasure/legal-holds';
import type { PolicyGuard } from '../store/write/projection-version';
import { readDataKeys } from './data-keys';
import { readDatabase, readDataDir } from './database';
import {
  createEnvironmentReader,
  type Environment,
  type EnvironmentReader,
  rejectUnknownProviders,
} from './environment';
import { readErasureHold, readRawBodyRetention } from './erasure';
import { type GraphQLConfig, readGraphQL } from './graphql';
import { type HttpConfig, readHttp } from './http';
import { readJwt } from './jwt';
import { readMonitoringRules } from './monitoring';
import { BOOLEAN, durationMs, oneOf, wholeNumber } from './parsers';
import { parsePolicy } from './policy';
import { readProviderApis } from './providers';
import { readReconciliation } from './reconciliation';
import { readRedisUrl } from './redis';
import { readTrustedDocuments, type TrustedDocumentsConfig } from './trusted-documents';
import { findMisspelled } from './unknown-variables';
import { VARIABLE_NAMES } from './variables';
import { readWebhookSecrets } from './webhook-secrets';

export type { Environment } from './environment';

export interface Config {
  readonly mode: 'development' | 'production';
  readonly host: string;
  /** If 0, the operating system selects a free port. */
  readonly port: number;
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  /** Valid `redis://` or `rediss://` URL, which may contain a password. If null, Redis is not used. */
  readonly redisUrl: string | null;
  /** Secrets by provider, in configuration order. A provider without an entry has no webhook route. */
  readonly webhookSecrets: Readonly<Record<ProviderId, readonly WebhookSecret[]>>;
  readonly fractalIdFormat: 'classic' | 'kraken';
  /** Weakest digest algorithm that a Sumsub signature may use. */
  readonly sumsubMinimumDigest: 'sha1' | 'sha256' | 'sha512';
  /** Whether erasing an applicant at Sumsub also erases the identity here. */
  readonly sumsubErasures: boolean;
  readonly bootstrapApiKey: string | null;
  /** If null, end users have no access. */
  readonly jwt: JwtOptions | null;
  /** The first key encrypts, every key decrypts. */
  readonly dataKeys: readonly [MasterKey, ...MasterKey[]];
  readonly graphql: GraphQLConfig;
  readonly trustedDocuments: TrustedDocumentsConfig;
  readonly http: HttpConfig;
  readonly policy: Policy;
  /** Limits the effect of a policy change. */
  readonly policyGuard: PolicyGuard;
  readonly acceptSandbox: boolean;
  /** Maximum time by which an event timestamp may exceed the receive time, in milliseconds. */
  readonly clockSkewMs: number;
  /** Rejection and review reasons that end users can see about themselves. */
  readonly endUserReasons: EndUserReasons;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Retention of change log entries, in days. If null, entries are never deleted. */
  readonly changeLogRetentionDays: number | null;
  /** Minimum retention of users. If null, an erasure request takes effect at once. */
  readonly erasureHold: ErasureHoldConfig | null;
  /** Retention of raw bodies, in milliseconds. If null, they are never purged. */
  readonly rawBodyRetentionMs: number | null;
  /** API credentials by provider. A provider without an entry gets no status checks. */
  readonly providerApis: ProviderApis;
  readonly reconciliation: ReconciliationConfig;
  readonly monitoring: MonitoringRules;
}

/** Inputs of the configuration, already read. */
export interface ConfigSources {
  readonly env: Environment;
  /** Content of `POLICY_FILE`. Null if it is unset or not readable. */
  readonly policyText: string | null;
  /** Content of `TRUSTED_DOCUMENTS_FILE`. Null if it is unset or not readable. */
  readonly trustedDocumentsText?: string | null;
  /** Faults found while reading the sources, each `NAME: …`. */
  readonly faults: readonly string[];
  /** The file that each variable was read from. Variables of the process have no entry. */
  readonly origins?: Readonly<Record<string, string>>;
  /** Names of generated variables. */
  readonly generated?: readonly string[];
}

/** Returns the variables of this process. No other file reads `process.env`. */
export function readProcessEnv(): Environment {
  return process.env;
}

/**
 * Enlarges the thread pool of Node.js. Each database connection uses one of its threads. With the default of four, slow
 * queries would delay every webhook. Call it before the pool is first used.
 */
export function reserveThreads(): void {
  process.env.UV_THREADPOOL_SIZE ??= '16';
}

/** Returns the mode. Unset and `test` mean development. An unknown value, such as `prod`, means production. */
export function getMode(env: Environment): 'development' | 'production' {
  return readMode(createEnvironmentReader(env));
}

/** Returns the absolute path of the data folder. */
export function getDataDir(env: Environment): string {
  return readDataDir(createEnvironmentReader(env));
}

/**
 * @param providerIds - IDs of all providers that have an adapter.
 * @throws {ConfigError} With every fault by variable name. Values are never included.
 */
export function loadConfig(sources: ConfigSources, providerIds: readonly ProviderId[]): Config {
  const { env, policyText } = sources;
  const reader = createEnvironmentReader(env, sources.faults, sources.origins);
  const mode = readMode(reader);
  const dataDir = readDataDir(reader);
  const dataKeys = readDataKeys(reader);
  const fractalIdFormat = reader.read('FRACTAL_ID_FORMAT', FRACTAL_ID_FORMAT, 'classic');
  const settings = {
    mode,
    host: reader.text('HOST') ?? '127.0.0.1',
    port: reader.read('PORT', PORT, 4000),
    dataDir,
    database: readDatabase(reader, dataDir, mode),
    redisUrl: readRedisUrl(reader),
    webhookSecrets: readWebhookSecrets(reader, Object.keys(env), providerIds, mode),
    fractalIdFormat,
    // Sumsub signs with SHA-256 by default. Older accounts may still use SHA-1.
    sumsubMinimumDigest: reader.read('SUMSUB_MINIMUM_DIGEST', DIGEST, 'sha256'),
    sumsubErasures: reader.read('SUMSUB_ERASURES', BOOLEAN, false),
    bootstrapApiKey: reader.read('BOOTSTRAP_API_KEY', BEARER_TOKEN, null),
    jwt: readJwt(reader, mode),
    graphql: readGraphQL(reader, mode),
    http: readHttp(reader, providerIds, mode),
    trustedDocuments: readTrustedDocuments(reader, sources.trustedDocumentsText ?? null),
    policy: readPolicy(reader, policyText, providerIds),
    policyGuard: {
      maxLossPercent: reader.read('POLICY_MAX_LOSS_PERCENT', PERCENT, 10),
      force: reader.read('POLICY_FORCE', BOOLEAN, false),
    },
    acceptSandbox: reader.read('ACCEPT_SANDBOX', BOOLEAN, mode === 'development'),
    clockSkewMs: reader.read('CLOCK_SKEW', CLOCK_SKEW, 5 * 60_000),
    endUserReasons: reader.read('END_USER_REASONS', END_USER_REASONS, 'limited'),
    logLevel: reader.read('LOG_LEVEL', LOG_LEVEL, 'info'),
    changeLogRetentionDays: reader.read('CHANGE_LOG_RETENTION_DAYS', DAYS, null),
    erasureHold: readErasureHold(reader),
    rawBodyRetentionMs: readRawBodyRetention(reader),
    providerApis: readProviderApis(reader, fractalIdFormat),
    reconciliation: readReconciliation(reader),
    monitoring: readMonitoringRules(reader),
  };
  rejectTypedSecrets(reader, settings);
  rejectUnknownProviders(reader, 'WEBHOOK_ADDRESSES', Object.keys(env), providerIds); // a misspelled name would allow every address
  const generated = new Set(sources.generated);
  const reported = new Set(reader.faults.map((fault) => fault.slice(0, fault.indexOf(':'))));
  const set = Object.keys(env).filter((name) => env[name]?.trim() && !generated.has(name));
  const misspelled = findMisspelled({
    set: new Set(set),
    known: new Set([...VARIABLE_NAMES, ...reported]),
  });
  if (dataKeys === null || reader.faults.length > 0 || misspelled.length > 0) {
    throw new ConfigError([...reader.faults, ...misspelled]);
  }
  return { ...settings, dataKeys };
}

/** The Kraken format has no notification types, so a secret that is bound to one would never match. */
function rejectTypedSecrets(
  reader: EnvironmentReader,
  { fractalIdFormat, webhookSecrets }: Pick<Config, 'fractalIdFormat' | 'webhookSecrets'>,
): void {
  const secrets = webhookSecrets['fractal-id'] ?? [];
  if (fractalIdFormat === 'classic' || secrets.every(({ type }) => type === undefined)) return;
  reader.fault(
    'WEBHOOK_SECRETS_FRACTAL_ID',
    'secrets without a type if FRACTAL_ID_FORMAT is kraken',
  );
}

/** Loads only the database configuration, for the TypeORM command line. @throws {ConfigError} */
export function loadDatabaseConfig(env: Environment = readProcessEnv()): DatabaseConfig {
  const reader = createEnvironmentReader(env);
  const database = readDatabase(reader, readDataDir(reader), readMode(reader));
  if (reader.faults.length > 0) throw new ConfigError(reader.faults);
  return database;
}

/** Loads only the master keys. @throws {ConfigError} */
export function loadDataKeys(env: Environment): Config['dataKeys'] {
  const reader = createEnvironmentReader(env);
  const dataKeys = readDataKeys(reader);
  if (dataKeys === null) throw new ConfigError(reader.faults);
  return dataKeys;
}

const PORT = wholeNumber(0, 65_535);
const PERCENT = wholeNumber(0, 100);
const DAYS = wholeNumber(1, 36_500);
const MODE = oneOf('development', 'production', 'test');
const CLOCK_SKEW = durationMs('an ISO 8601 duration of one second or more, for example PT5M', 1000);
const FRACTAL_ID_FORMAT = oneOf('classic', 'kraken');
const DIGEST = oneOf('sha1', 'sha256', 'sha512');
const END_USER_REASONS = oneOf('limited', 'all');
const LOG_LEVEL = oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent');
/** Format of a bearer token (RFC 6750). */
const BEARER_TOKEN = z
  .string()
  .regex(/^[\w.~+/-]{32,}=*$/, 'at least 32 characters from A-Z a-z 0-9 - . _ ~ + /');

/** An invalid value adds a fault and enables the rules of production. */
function readMode(reader: EnvironmentReader): 'development' | 'production' {
  const fallback = reader.text('NODE_ENV') === undefined ? 'development' : 'production';
  return reader.read('NODE_ENV', MODE, fallback) === 'production' ? 'production' : 'development';
}

function readPolicy(
  reader: EnvironmentReader,
  text: string | null,
  providerIds: readonly ProviderId[],
): Policy {
  if (text === null) return DEFAULT_POLICY;
  return parsePolicy(text, providerIds, (path, expected) => {
    reader.fault('POLICY_FILE', path === '' ? expected : `a policy whose ${path} is ${expected}`);
  });
}
