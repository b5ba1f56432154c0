/** The composition root: creates every part and connects them. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLSchema } from 'graphql';
import { version } from '../package.json';
import { createAuthenticator } from './access/authenticator';
import { createJwtVerifier } from './access/jwt';
import type { Principal } from './access/principal';
import { WATCH_DOCUMENTS } from './cli/watch-documents';
import type { Config } from './config/load-config';
import { AUTH_FAILURES, ConfigError, SIGNATURE_FAILURES } from './domain/errors';
import { createFeed, type Feed } from './feed/feed';
import { createPostgresWakeup } from './feed/wakeup/postgres';
import { createRedisWakeup } from './feed/wakeup/redis';
import { createMemoryWakeup, type Wakeup } from './feed/wakeup/wakeup';
import { getViewKey } from './graphql/access/visibility';
import type { DocumentLimits } from './graphql/documents/limits';
import {
  createPrepareOperation,
  type PrepareOperationOptions,
} from './graphql/documents/prepare-operation';
import {
  createTrustedDocuments,
  findInvalidDocuments,
} from './graphql/documents/trusted-documents';
import { createErrorFormatter } from './graphql/errors';
import { createPlannedExecution } from './graphql/planner/execute';
import { type ContextOptions, createContext } from './graphql/request/context';
import { createSchema } from './graphql/schema';
import type { GraphQLService, OperationContext } from './graphql/service';
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
import { createMetrics } from './observability/metrics';
import type { GatewayStats } from './observability/stats-gauges';
import { createProviders, PROVIDER_IDS, PROVIDERS } from './providers/registry';
import { JSON_QUERY_FIELDS } from './store/json-query/run-json-query';
import { openStore, type StoreOptions } from './store/open-store';
import { toClientConfig } from './store/postgres/connect';
import type { Reader } from './store/read/reader';
import { type FileLock, lockFile } from './store/sqlite/file-lock';
import type { Store } from './store/store';
import { WRITE_FAILURES } from './store/write/outage-log';

/** Timeout of database reads for a scrape. Prometheus allows 10 s for a scrape. */
const STATS_TIMEOUT_MS = 2000;

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
  const metrics = createMetrics({
    providerIds: PROVIDER_IDS,
    statusCheckOutcomes: STATUS_CHECK_OUTCOMES,
    authFailures: AUTH_FAILURES,
    signatureFailures: SIGNATURE_FAILURES,
    writeFailures: WRITE_FAILURES,
    version,
    database: config.database.kind,
    stats: () => readStats(store, feed, server, monitor),
  });
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
  const configured = new Set(providers.keys());
  const monitor = startMonitor({
    store,
    providers: [...configured],
    rules: config.monitoring,
    clock,
    log,
  });
  const authenticator = createAuthenticator({
    apiKeys: store.apiKeys,
    erasures: store.erasures,
    bootstrapApiKey: config.bootstrapApiKey,
    jwt: config.jwt === null ? null : createJwtVerifier(config.jwt, clock),
    now: clock,
  });
  const graphql = createGraphQLService(log, documentOptions(schema, config, options, log), {
    store,
    feed,
    policy: config.policy,
    endUserReasons: config.endUserReasons,
    providers: PROVIDERS,
    configured,
    reread: createReread(providers, clock, config.clockSkewMs),
    silenceRule: config.monitoring.silence,
    openAttempts: monitor.census,
    now: clock,
  });
  const server = createHttpServer({
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
    graphql,
    authenticator,
    store,
    log,
    observer: metrics,
    expose: metrics.expose,
    access: { ...config.http, providers: configured },
    limits: {
      ...options.limits,
      http: { keepAliveMs: config.http.keepAliveMs, ...options.limits?.http },
      quotas: { ...config.http.quotas, ...options.limits?.quotas },
    },
    ...(options.now && { now: options.now }),
  });
  const maintenance = startMaintenance({
    store,
    wake: wakeup.wake,
    clock,
    log,
    changeLogRetentionDays: config.changeLogRetentionDays,
    rawBodyRetentionMs: config.rawBodyRetentionMs,
  });
  const reconciliation = startReconciliation();
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

  function startReconciliation(): Interval | undefined {
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

function documentOptions(
  schema: GraphQLSchema,
  { graphql: { introspection, limits }, trustedDocuments }: Config,
  options: GatewayOptions,
  log: Logger,
): PrepareOperationOptions {
  return {
    schema,
    introspection,
    limits: { ...limits, ...options.limits?.documents },
    trusted: createTrustedDocuments({ ...trustedDocuments, builtIn: WATCH_DOCUMENTS, log }),
  };
}

/** Reads the figures of a scrape. Responds in time even if the database is unavailable. */
async function readStats(
  store: Store,
  feed: Feed,
  server: HttpServer,
  monitor: Monitor,
): Promise<GatewayStats> {
  const { position, subscriptions, behind } = feed.stats();
  const [storeReady, logHead] = await Promise.all([
    nullOnFailure(store.assertReady().then(() => true)),
    nullOnFailure(store.read.head()),
  ]);
  return {
    storeReady: storeReady ?? false,
    logHead,
    feedPosition: position,
    sockets: server.openSockets(),
    subscriptions,
    subscriptionsBehind: behind,
    monitor: monitor.report,
  };
}

/** Resolves to null after an error or a timeout. */
async function nullOnFailure<T>(work: Promise<T>): Promise<T | null> {
  const done = new AbortController();
  const timeout = sleep(STATS_TIMEOUT_MS, null, { signal: done.signal, ref: false });
  try {
    return await Promise.race([work, timeout]);
  } catch {
    return null;
  } finally {
    done.abort();
  }
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

type Parts = Omit<ContextOptions, 'principal' | 'read'>;

function createGraphQLService(
  log: Logger,
  documents: PrepareOperationOptions,
  parts: Parts,
): GraphQLService {
  const { store } = parts;
  const { schema } = documents;
  const prepare = createPrepareOperation(documents);
  return {
    schema,
    prepare,
    trusted: documents.trusted,
    executePlanned: createPlannedExecution({
      ...parts,
      schema,
      supported: JSON_QUERY_FIELDS,
      prepare,
      log,
    }),
    formatError: createErrorFormatter(log, { suggestions: documents.introspection }),
    getViewKey,
    openContext(principal, purpose) {
      if (purpose === 'REQUEST') return requestContext(principal, parts);
      return { context: createContext({ ...parts, principal, read: store.read }), release() {} };
    },
  };
}

/** Opens a snapshot of the database that lives until the operation releases it. */
function requestContext(principal: Principal, parts: Parts): Promise<OperationContext> {
  return new Promise((resolve, reject) => {
    const openContext = (read: Reader) =>
      new Promise<void>((done) => {
        resolve({ context: createContext({ ...parts, principal, read }), release: done });
      });
    parts.store.snapshot(openContext).catch(reject);
  });
}
