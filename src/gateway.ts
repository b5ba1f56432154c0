/** The composition root: the one file that knows every part. */

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
import { createMemoryWakeup } from './feed/wakeup/memory';
import { createPostgresWakeup } from './feed/wakeup/postgres';
import { createRedisWakeup } from './feed/wakeup/redis';
import type { Wakeup } from './feed/wakeup/wakeup';
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
  createReconciler,
  type ReconcileObserver,
  STATUS_CHECK_OUTCOMES,
} from './jobs/reconcile/reconciler';
import { sweep } from './jobs/reconcile/sweep';
import type { Logger } from './observability/log';
import { createMetrics, type GatewayStats } from './observability/metrics';
import { createProviders, PROVIDER_IDS, PROVIDERS } from './providers/registry';
import { JSON_QUERY_FIELDS } from './store/json-query/run-json-query';
import { openStore, type StoreOptions } from './store/open-store';
import { toClientConfig } from './store/postgres/connect';
import type { Reader } from './store/read/reader';
import { type FileLock, lockFile } from './store/sqlite/file-lock';
import type { Store } from './store/store';
import { WRITE_FAILURES } from './store/write-failure';

/** Prometheus gives up after 10 s. */
const STORE_PATIENCE_MS = 2000;

export interface Gateway {
  /** Where it listens, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly store: Store;
  /** Stops accepting, finishes what is under way, closes sockets so that clients come back. */
  stop(): Promise<void>;
}

export interface GatewayOptions extends StoreOptions {
  readonly limits?: ServerLimits & { readonly documents?: Partial<DocumentLimits> };
  /** See `HttpServerOptions`. */
  readonly now?: Monotonic;
  /** Told what comes of asking the vendors. */
  readonly reconcileObserver?: ReconcileObserver;
  readonly reconcileLimits?: Partial<ProviderClientLimits>;
}

/**
 * Resolves when clients can connect. Where it cannot listen, nothing of it is left running.
 *
 * @throws {ConfigError} if the database does not fit the configuration, or is one file and another gateway's.
 */
export async function createGateway(
  config: Config,
  log: Logger,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const clock = options.clock ?? (() => new Date());
  const schema = createSchema(PROVIDERS);
  assertFit(schema, config);
  const metrics = createMetrics({
    providerIds: PROVIDER_IDS,
    askOutcomes: STATUS_CHECK_OUTCOMES,
    authFailures: AUTH_FAILURES,
    signatureFailures: SIGNATURE_FAILURES,
    writeFailures: WRITE_FAILURES,
    version,
    database: config.database.kind,
    standing: () => standingOf(store, feed, server, watch),
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
  const watch = startMonitor({
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
    openAttempts: watch.census,
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
  const upkeep = startMaintenance({
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
      await upkeep.stop();
      await watch.stop();
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
    const reconciler = createReconciler({
      providers,
      asks: store.statusChecks,
      ingestResponse: createIngestResponse({
        providers,
        store,
        wake: wakeup.wake,
        clockSkewMs: config.clockSkewMs,
      }),
      config: config.reconciliation,
      clock,
      log,
      observer: { onAsked: metrics.asked, onLine: metrics.line, ...options.reconcileObserver },
      ...(options.reconcileLimits && { limits: options.reconcileLimits }),
    });
    const { intervalMs } = config.reconciliation;
    if (intervalMs === null || reconciler.providers.size === 0) return undefined;
    return startInterval({
      work: (signal) => sweep(reconciler, log, signal),
      intervalMs,
      first: 'LATER', // or a gateway that is restarted over and over would ask each time
      onError: (err) => log.error({ err }, 'asking the vendors failed; it will be tried again'),
    });
  }
}

/** @throws {ConfigError} naming every trusted document that clients would find refused. */
function assertFit(schema: GraphQLSchema, { trustedDocuments: { texts } }: Config): void {
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

/** For the metrics, so it answers without the store too, and soon. */
async function standingOf(
  store: Store,
  feed: Feed,
  server: HttpServer,
  watch: Monitor,
): Promise<GatewayStats> {
  const { position, subscriptions, behind } = feed.standing();
  const [storeReady, logHead] = await Promise.all([
    unlessAway(store.assertReady().then(() => true)),
    unlessAway(store.read.head()),
  ]);
  return {
    storeReady: storeReady ?? false,
    logHead,
    feedPosition: position,
    sockets: server.openSockets(),
    subscriptions,
    subscriptionsBehind: behind,
    watch: watch.report,
  };
}

/** `null` where the store is away, or takes its time. */
async function unlessAway<T>(reading: Promise<T>): Promise<T | null> {
  const late = new AbortController();
  const patience = sleep(STORE_PATIENCE_MS, null, { signal: late.signal, ref: false });
  try {
    return await Promise.race([reading, patience]);
  } catch {
    return null;
  } finally {
    late.abort();
  }
}

/** Several gateways may share the database of a server. */
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

/** Lends the operation one view of the data until it is done with it. */
function requestContext(principal: Principal, parts: Parts): Promise<OperationContext> {
  return new Promise((resolve, reject) => {
    const lend = (read: Reader) =>
      new Promise<void>((done) => {
        resolve({ context: createContext({ ...parts, principal, read }), release: done });
      });
    parts.store.snapshot(lend).catch(reject);
  });
}
