/** The composition root: creates every part and connects them. */

import type { GraphQLSchema } from 'graphql';
import { version } from '../package.json';
import { createAuthenticator } from './access/authenticator';
import { createJwtVerifier } from './access/jwt';
import { WATCH_DOCUMENTS } from './cli/watch-documents';
import type { Config } from './config/load-config';
import { AUTH_FAILURES, ConfigError, SIGNATURE_FAILURES } from './domain/errors';
import { createFeed, type Feed } from './feed/feed';
import { createPostgresWakeup } from './feed/wakeup/postgres';
import { createRedisWakeup } from './feed/wakeup/redis';
import { createMemoryWakeup, type Wakeup } from './feed/wakeup/wakeup';
import type { DocumentLimits } from './graphql/documents/limits';
import type { PrepareOperationOptions } from './graphql/documents/prepare-operation';
import {
  createTrustedDocuments,
  findInvalidDocuments,
} from './graphql/documents/trusted-documents';
import { createSchema } from './graphql/schema';
import { createGraphQLService, type GraphQLService } from './graphql/service';
import type { Monotonic } from './http/limits/rate-limiter';
import { createHttpServer, type HttpServer, type ServerLimits } from './http/server';
import {
  createIngest,
  createIngestResponse,
  createReread,
  createVerifyHead,
} from './ingest/ingest';
import { type Interval, startInterval } from './jobs/interval';
import { startMaintenance } from './jobs/maintenance';
import { type Monitor, startMonitor } from './jobs/monitor';
import type { ProviderClientLimits } from './jobs/reconcile/provider-client';
import {
  type ReconcileObserver,
  Reconciler,
  STATUS_CHECK_OUTCOMES,
} from './jobs/reconcile/reconciler';
import type { Logger } from './observability/log';
import { createMetrics, type Metrics } from './observability/metrics';
import { readStats } from './observability/read-stats';
import type { GatewayStats } from './observability/stats-gauges';
import { createProviders, PROVIDER_IDS, PROVIDERS } from './providers/registry';
import { JSON_QUERY_FIELDS } from './store/json-query/run-json-query';
import { openStore, type StoreOptions } from './store/open-store';
import { toClientConfig } from './store/postgres/connect';
import { type FileLock, lockFile } from './store/sqlite/file-lock';
import type { Store } from './store/store';
import { WRITE_FAILURES } from './store/write/outage-log';

export interface Gateway {
  /** Base URL, for example `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly store: Store;
  /** Stops accepting requests, finishes open ones, and closes sockets with a code that makes clients reconnect. */
  stop(): Promise<void>;
}

export interface GatewayOptions extends StoreOptions {
  readonly limits?: ServerLimits & { readonly documents?: Partial<DocumentLimits> };
  /** See `HttpServerOptions`. */
  readonly now?: Monotonic;
  /** Receives the results of status checks. */
  readonly reconcileObserver?: ReconcileObserver;
  readonly reconcileLimits?: Partial<ProviderClientLimits>;
}

/** The parts that later steps of the start need. */
interface Parts {
  readonly config: Config;
  readonly options: GatewayOptions;
  readonly log: Logger;
  readonly clock: () => Date;
  readonly schema: GraphQLSchema;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly wakeup: Wakeup;
  readonly feed: Feed;
  readonly providers: ReturnType<typeof createProviders>;
  readonly monitor: Monitor;
}

/**
 * Starts a gateway. Resolves when clients can connect. If the port cannot be opened, stops everything that was started.
 *
 * @throws {ConfigError} If the database does not fit the configuration, or another gateway has locked the SQLite file.
 */
export async function createGateway(
  config: Config,
  log: Logger,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const clock = options.clock ?? (() => new Date());
  const schema = createSchema(PROVIDERS);
  assertTrustedDocuments(schema, config);
  const metrics = createGatewayMetrics(config, () => readStats({ store, feed, server, monitor }));
  const lock = await lockDatabase(config);
  const store = await openStore(config, log, {
    onCommit: metrics.committed,
    onSkippedUser: metrics.skippedUser,
    onWriteFailure: metrics.writeFailed,
    ...options,
  }).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  const wakeup = createWakeup(config, store.logId, log);
  const feed = createFeed({ read: store.read, logId: store.logId, wakeup, log });
  const providers = createProviders(config);
  const monitor = startMonitor({
    store,
    providers: [...providers.keys()],
    rules: config.monitoring,
    clock,
    log,
  });
  const parts: Parts = {
    config,
    options,
    log,
    clock,
    schema,
    metrics,
    store,
    wakeup,
    feed,
    providers,
    monitor,
  };
  const server = createServer(parts);
  const maintenance = startMaintenance({
    store,
    wake: wakeup.wake,
    clock,
    log,
    changeLogRetentionDays: config.changeLogRetentionDays,
    rawBodyRetentionMs: config.rawBodyRetentionMs,
  });
  const reconciliation = startReconciliation(parts);
  const gateway = {
    store,
    async stop() {
      await server.close();
      await reconciliation?.stop();
      await maintenance.stop();
      await monitor.stop();
      await feed.stop();
      await wakeup.close();
      await store.close();
      await lock.release();
    },
  };
  try {
    const { host, port } = await server.listen();
    return { ...gateway, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` };
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}

function createGatewayMetrics(config: Config, stats: () => Promise<GatewayStats>): Metrics {
  return createMetrics({
    providerIds: PROVIDER_IDS,
    statusCheckOutcomes: STATUS_CHECK_OUTCOMES,
    authFailures: AUTH_FAILURES,
    signatureFailures: SIGNATURE_FAILURES,
    writeFailures: WRITE_FAILURES,
    version,
    database: config.database.kind,
    stats,
  });
}

function createServer(parts: Parts): HttpServer {
  const { config, options, log, clock, metrics, store, wakeup, providers } = parts;
  return createHttpServer({
    host: config.host,
    port: config.port,
    ingest: metrics.timeIngest(
      createIngest({
        providers,
        store,
        wake: wakeup.wake,
        clock,
        clockSkewMs: config.clockSkewMs,
        onUnknownType: metrics.unknownType,
      }),
    ),
    verifyHead: createVerifyHead({ providers }),
    graphql: createGraphQL(parts),
    authenticator: createAuthenticator({
      apiKeys: store.apiKeys,
      erasures: store.erasures,
      bootstrapApiKey: config.bootstrapApiKey,
      jwt: config.jwt === null ? null : createJwtVerifier(config.jwt, clock),
      now: clock,
    }),
    store,
    log,
    observer: metrics,
    expose: metrics.expose,
    access: { ...config.http, providers: new Set(providers.keys()) },
    limits: {
      ...options.limits,
      http: { keepAliveMs: config.http.keepAliveMs, ...options.limits?.http },
      quotas: { ...config.http.quotas, ...options.limits?.quotas },
    },
    ...(options.now && { now: options.now }),
  });
}

function createGraphQL(parts: Parts): GraphQLService {
  const { config, log, clock, store, feed, providers, monitor } = parts;
  return createGraphQLService({
    documents: toDocumentOptions(parts),
    parts: {
      store,
      feed,
      policy: config.policy,
      endUserReasons: config.endUserReasons,
      providers: PROVIDERS,
      configured: new Set(providers.keys()),
      reread: createReread(providers, clock, config.clockSkewMs),
      silenceRule: config.monitoring.silence,
      openAttempts: monitor.census,
      now: clock,
    },
    supported: JSON_QUERY_FIELDS,
    log,
  });
}

/** Returns undefined if status checks are off, or no provider has API credentials. */
function startReconciliation(parts: Parts): Interval | undefined {
  const { config, options, log, clock, metrics, store, wakeup, providers } = parts;
  const reconciler = new Reconciler({
    providers,
    statusChecks: store.statusChecks,
    ingestResponse: createIngestResponse({
      providers,
      store,
      wake: wakeup.wake,
      clockSkewMs: config.clockSkewMs,
    }),
    config: config.reconciliation,
    clock,
    log,
    observer: {
      onChecked: metrics.statusCheck,
      onCircuit: metrics.circuit,
      ...options.reconcileObserver,
    },
    ...(options.reconcileLimits && { limits: options.reconcileLimits }),
  });
  const { intervalMs } = config.reconciliation;
  if (intervalMs === null || reconciler.providers.size === 0) return undefined;
  return startInterval({
    work: (signal) => reconciler.run(signal),
    intervalMs,
    first: 'AFTER_INTERVAL', // so that a gateway that restarts repeatedly does not send checks each time
    onError: (err) => log.error({ err }, 'status checks failed'),
  });
}

/** @throws {ConfigError} With every trusted document that is invalid. */
function assertTrustedDocuments(
  schema: GraphQLSchema,
  { trustedDocuments: { texts } }: Config,
): void {
  const faults = findInvalidDocuments(schema, texts).map(
    (fault) => `TRUSTED_DOCUMENTS_FILE: ${fault}`,
  );
  if (faults.length > 0) throw new ConfigError(faults);
}

function toDocumentOptions({ config, options, schema, log }: Parts): PrepareOperationOptions {
  const { introspection, limits } = config.graphql;
  return {
    schema,
    introspection,
    limits: { ...limits, ...options.limits?.documents },
    trusted: createTrustedDocuments({ ...config.trustedDocuments, builtIn: WATCH_DOCUMENTS, log }),
  };
}

/** Locks an SQLite file. Several gateways may share a PostgreSQL database. */
async function lockDatabase({ database }: Config): Promise<FileLock> {
  return database.kind === 'sqlite' ? await lockFile(database) : { async release() {} };
}

function createWakeup({ redisUrl, database }: Config, logId: string, log: Logger): Wakeup {
  if (redisUrl !== null) return createRedisWakeup({ url: redisUrl, logId, log });
  if (database.kind === 'sqlite') return createMemoryWakeup();
  return createPostgresWakeup({ connection: toClientConfig(database), logId, log });
}
