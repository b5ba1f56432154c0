/** One pure reading of the environment, all faults reported at once. */

import { z } from 'zod';
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
import type { PolicyGuard } from '../store/open-store';
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
import { type JwtConfig, readJwt } from './jwt';
import { readMonitoringRules } from './monitoring';
import { BOOLEAN, durationMs, oneOf, wholeNumber } from './parsers';
import { parsePolicy } from './policy';
import { readProviderApis } from './providers';
import { readReconciliation } from './reconciliation';
import { readRedisUrl } from './redis';
import { readTrustedDocuments, type TrustedDocumentsConfig } from './trusted-documents';
import { findMisspelt } from './unknown-variables';
import { readWebhookSecrets } from './webhook-secrets';

export type { Environment } from './environment';

export interface Config {
  readonly mode: 'development' | 'production';
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  /** `redis://` or `rediss://`, sound; may hold a password. `null`: without Redis. */
  readonly redisUrl: string | null;
  /** Secrets by provider slug, in configuration order; a provider without an entry is not served. */
  readonly webhookSecrets: Readonly<Record<ProviderId, readonly WebhookSecret[]>>;
  readonly fractalIdFormat: 'classic' | 'kraken';
  /** The weakest digest that a Sumsub signature may choose. */
  readonly sumsubMinimumDigest: 'sha1' | 'sha256' | 'sha512';
  /** Whether whom Sumsub erases is erased here too. */
  readonly sumsubErasures: boolean;
  readonly bootstrapApiKey: string | null;
  /** `null`: end users have no access. */
  readonly jwt: JwtConfig | null;
  /** The first encrypts, all decrypt. */
  readonly dataKeys: readonly [MasterKey, ...MasterKey[]];
  readonly graphql: GraphQLConfig;
  readonly trustedDocuments: TrustedDocumentsConfig;
  readonly http: HttpConfig;
  readonly policy: Policy;
  /** What a change of the policy may take away. */
  readonly policyGuard: PolicyGuard;
  readonly acceptSandbox: boolean;
  /** How far an event may be dated ahead of its receipt, in milliseconds. */
  readonly clockSkewMs: number;
  /** Which reasons of a rejection or review end users see about themselves. */
  readonly endUserReasons: EndUserReasons;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** How long log entries are kept, in days; `null`: for ever. */
  readonly changeLogRetentionDays: number | null;
  /** How long users have to be kept; `null`: no longer than anybody wants. */
  readonly erasureHold: ErasureHoldConfig | null;
  /** How long raw bodies are kept, in milliseconds; `null`: for ever. */
  readonly rawBodyRetentionMs: number | null;
  /** How the vendors' APIs are reached; one that is absent is not asked. */
  readonly providerApis: ProviderApis;
  readonly reconciliation: ReconciliationConfig;
  readonly alarms: MonitoringRules;
}

/** Everything outside the process that the configuration is made of, already read. */
export interface ConfigSources {
  readonly env: Environment;
  /** Content of `POLICY_FILE`; `null` where that is unset or could not be read. */
  readonly policyText: string | null;
  /** Content of `TRUSTED_DOCUMENTS_FILE`, likewise. */
  readonly trustedDocumentsText?: string | null;
  /** What went wrong while the sources were read, `NAME: …` each. */
  readonly faults: readonly string[];
  /** The file that a variable was read from, by name of the variable; those of the process have no entry. */
  readonly origins?: Readonly<Record<string, string>>;
  /** Names of variables that the developer did not set: they were generated. */
  readonly generated?: readonly string[];
}

/** The variables of this process. Nothing else reads `process.env`. */
export function environment(): Environment {
  return process.env;
}

/**
 * Each connection to the database works on a thread of Node's pool. By default there are four, as many as there are queries
 * at once: slow ones would keep every webhook waiting. To be called before the first of them is used.
 */
export function reserveThreads(): void {
  process.env.UV_THREADPOOL_SIZE ??= '16';
}

/** Unset means development, and so does `test`; a name that is none, such as `prod`, is not taken for development. */
export function modeOf(env: Environment): 'development' | 'production' {
  return readMode(createEnvironmentReader(env));
}

/** Absolute path of the folder for what the gateway itself keeps. */
export function dataDirOf(env: Environment): string {
  return readDataDir(createEnvironmentReader(env));
}

/**
 * @param providerIds - Slugs of every vendor that there is an adapter for.
 * @throws {ConfigError} listing every fault by variable name; values are never shown.
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
    // Sumsub signs with SHA-256 unless told otherwise; SHA-1 is there for accounts that have not moved yet.
    sumsubMinimumDigest: reader.read('SUMSUB_MINIMUM_DIGEST', DIGEST, 'sha256'),
    sumsubErasures: reader.read('SUMSUB_ERASURES', BOOLEAN, false),
    bootstrapApiKey: reader.read('BOOTSTRAP_API_KEY', BEARER_TOKEN, null),
    jwt: readJwt(reader, mode),
    graphql: readGraphQL(reader, mode),
    http: readHttp(reader, providerIds, mode),
    trustedDocuments: readTrustedDocuments(reader, sources.trustedDocumentsText ?? null),
    policy: readPolicy(reader, policyText, providerIds),
    policyGuard: {
      maxLossPercent: reader.read('POLICY_MAX_LOSS', PERCENT, 10),
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
    alarms: readMonitoringRules(reader),
  };
  rejectUselessSecrets(reader, settings);
  rejectUnknownProviders(reader, 'WEBHOOK_ADDRESSES', Object.keys(env), providerIds); // or any address may send
  const generated = new Set(sources.generated);
  const set = Object.keys(env).filter((name) => env[name]?.trim() && !generated.has(name));
  const misspelt = findMisspelt({
    set: new Set(set),
    known: new Set([...reader.known, ...READ_ELSEWHERE]),
  });
  if (dataKeys === null || reader.faults.length > 0 || misspelt.length > 0) {
    throw new ConfigError([...reader.faults, ...misspelt]);
  }
  return { ...settings, dataKeys };
}

/** The Kraken format has no notification types, so a secret for one would prove nothing and refuse everything. */
function rejectUselessSecrets(
  reader: EnvironmentReader,
  { fractalIdFormat, webhookSecrets }: Pick<Config, 'fractalIdFormat' | 'webhookSecrets'>,
): void {
  const secrets = webhookSecrets['fractal-id'] ?? [];
  if (fractalIdFormat === 'classic' || secrets.every(({ type }) => type === undefined)) return;
  reader.fault(
    'WEBHOOK_SECRETS_FRACTAL_ID',
    'secrets without a type where FRACTAL_ID_FORMAT is kraken',
  );
}

/** The part that the TypeORM command line needs. @throws {ConfigError} */
export function loadDatabaseConfig(env: Environment = environment()): DatabaseConfig {
  const reader = createEnvironmentReader(env);
  const database = readDatabase(reader, readDataDir(reader), readMode(reader));
  if (reader.faults.length > 0) throw new ConfigError(reader.faults);
  return database;
}

/** The master keys alone. @throws {ConfigError} */
export function loadDataKeys(env: Environment): Config['dataKeys'] {
  const reader = createEnvironmentReader(env);
  const dataKeys = readDataKeys(reader);
  if (dataKeys === null) throw new ConfigError(reader.faults);
  return dataKeys;
}

/** Variables that commands and `compose.yaml` read, not this function. */
export const READ_ELSEWHERE = ['KYC_API_KEY', 'POSTGRES_PASSWORD'];

const PORT = wholeNumber(0, 65_535);
const PERCENT = wholeNumber(0, 100);
const DAYS = wholeNumber(1, 36_500);
const MODE = oneOf('development', 'production', 'test');
const CLOCK_SKEW = durationMs('an ISO 8601 duration of a second or more, e.g. PT5M', 1000);
const FRACTAL_ID_FORMAT = oneOf('classic', 'kraken');
const DIGEST = oneOf('sha1', 'sha256', 'sha512');
const END_USER_REASONS = oneOf('limited', 'all');
const LOG_LEVEL = oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent');
/** What may follow `Bearer` in a header. */
const BEARER_TOKEN = z
  .string()
  .regex(/^[\w.~+/-]{32,}=*$/, 'at least 32 of the characters A-Z a-z 0-9 - . _ ~ + /');

/** What is neither is held to what production asks, and is a fault besides. */
function readMode(reader: EnvironmentReader): 'development' | 'production' {
  const fallback = reader.text('NODE_ENV') === undefined ? 'development' : 'production';
  return reader.read('NODE_ENV', MODE, fallback) === 'production' ? 'production' : 'development';
}

function readPolicy(
  reader: EnvironmentReader,
  text: string | null,
  providerIds: readonly ProviderId[],
): Policy {
  reader.text('POLICY_FILE'); // known, also where its content is not
  if (text === null) return DEFAULT_POLICY;
  return parsePolicy(text, providerIds, (path, expected) => {
    reader.fault('POLICY_FILE', path === '' ? expected : `${path} to be ${expected}`);
  });
}
