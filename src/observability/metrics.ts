/**
 * Prometheus metrics of the gateway.
 *
 * Frequent events only increment a number or a histogram without labels. Other figures are read at each scrape. Label values
 * come from closed sets that are fixed at the start; any other value counts as `OTHER`.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ERROR_CODES } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import { DISPOSITIONS } from '../domain/status';
import { createLabelledCounter } from './labelled-counter';
import { createMonitorGauges } from './monitor-gauges';
import { createStatsGauges, type GatewayStats } from './stats-gauges';

export interface Metrics {
  /** @param outcome - Disposition of the stored delivery, `DUPLICATE`, or the code of the error. */
  webhook(provider: string, outcome: string): void;
  /** Counts a webhook that was quarantined because its type is unknown. */
  unknownType(provider: ProviderId): void;
  /** Counts a webhook without a valid proof of its provider. @param reason - One of `signatureFailures`. */
  signatureRejected(provider: string, reason: string): void;
  /** @param outcome - `OK`, or the code of the first error. */
  operation(transport: Transport, outcome: string): void;
  /** Records the duration of a response to `/graphql` over HTTP. */
  graphqlResponse(durationMs: number): void;
  /** Counts rejected credentials. @param reason - One of `authFailures`. */
  authenticationFailed(entryPoint: string, reason: string): void;
  /** Counts a connection that was closed because its client did not read. */
  slowConsumer(): void;
  /** Counts a finished status check. */
  statusCheck(provider: string, outcome: string): void;
  /** Records whether the circuit of a provider's API is closed. */
  circuit(provider: string, closed: boolean): void;
  /** Counts a write that failed because the database is unavailable. @param reason - One of `writeFailures`. */
  writeFailed(reason: string): void;
  /** Records a commit of a group of deliveries. */
  committed(deliveries: number, durationMs: number): void;
  /** Wraps `ingest` to measure the duration and the number of concurrent calls. */
  timeIngest<Args extends readonly unknown[], Outcome>(
    ingest: (...args: Args) => Promise<Outcome>,
  ): (...args: Args) => Promise<Outcome>;
  /** Counts a user whose state could not be updated after an expiry or a change of the rules. */
  skippedUser(): void;
  /** Returns the page that Prometheus scrapes. */
  expose(): Promise<MetricsPage>;
}

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

export type Transport = 'http' | 'websocket';

export interface MetricsOptions {
  /** All providers of the registry. */
  readonly providerIds: readonly ProviderId[];
  /** Outcomes of status checks. */
  readonly statusCheckOutcomes: readonly string[];
  /** Reasons for rejected credentials. */
  readonly authFailures: readonly string[];
  /** Reasons for which a webhook is not authentic. */
  readonly signatureFailures: readonly string[];
  /** Reasons for which the database cannot be written. */
  readonly writeFailures: readonly string[];
  readonly version: string;
  readonly database: string;
  /** Called at each scrape. */
  readonly stats: () => Promise<GatewayStats>;
}

const UNKNOWN = 'unknown';
const OTHER = 'OTHER';
const WEBHOOK_OUTCOMES = [
  ...DISPOSITIONS,
  'DUPLICATE',
  'SIGNATURE_INVALID',
  'STORE_UNAVAILABLE',
  'INTERNAL',
];
const OPERATION_OUTCOMES = ['OK', 'UNAUTHENTICATED', 'STORE_UNAVAILABLE', 'INTERNAL'];
const ENTRY_POINTS = ['http', 'websocket', 'metrics'];
/** Error codes of the GraphQL library and Apollo Server. */
const GRAPHQL_CODES = [
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const counters = createCounters(registry, options);
  const durations = createHistograms(registry);
  const pending = createCollectedFigures(registry, options);
  const setStats = createStatsGauges(registry);
  const setMonitorReport = createMonitorGauges(registry);
  let collectsProcess = false;

  return {
    webhook: (provider, outcome) => counters.webhooks.count(provider, outcome),
    unknownType: (provider) => counters.unknownTypes.inc({ provider }),
    signatureRejected: (provider, reason) => counters.signatureFailures.count(provider, reason),
    operation: (transport, outcome) => counters.operations.count(transport, outcome),
    authenticationFailed: (entryPoint, reason) =>
      counters.authenticationFailures.count(entryPoint, reason),
    graphqlResponse: (durationMs) => durations.graphql.observe(durationMs / 1000),
    statusCheck: (provider, outcome) => counters.statusChecks.count(provider, outcome),
    circuit: (provider, closed) => counters.openCircuits.set({ provider }, closed ? 0 : 1),
    slowConsumer() {
      pending.slowConsumers += 1;
    },
    skippedUser: () => counters.skippedUsers.inc(),
    writeFailed: (reason) => counters.failedWrites.inc({ reason }),
    committed(deliveries, durationMs) {
      durations.commitSize.observe(deliveries);
      durations.commit.observe(durationMs / 1000);
    },
    timeIngest: (ingest) =>
      async function timed(...args) {
        const startedAt = performance.now();
        pending.deliveries += 1;
        try {
          return await ingest(...args);
        } finally {
          pending.deliveries -= 1;
          durations.ingest.observe((performance.now() - startedAt) / 1000);
        }
      },
    async expose() {
      // Process metrics start with the first scrape, so that a gateway without Prometheus does not pay for them.
      if (!collectsProcess) collectDefaultMetrics({ register: registry });
      collectsProcess = true;
      const stats = await options.stats();
      setStats(stats);
      if (stats.monitor !== null) setMonitorReport(stats.monitor);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function createCounters(
  registry: Registry,
  {
    providerIds,
    statusCheckOutcomes,
    authFailures,
    signatureFailures,
    writeFailures,
  }: MetricsOptions,
) {
  const registers = [registry];
  const providers = [...providerIds, UNKNOWN];
  const unknownTypes = new Counter({
    name: 'kyc_unknown_webhook_types_total',
    help: 'Webhooks quarantined because the adapter does not know their type, by provider.',
    labelNames: ['provider'],
    registers,
  });
  for (const provider of providerIds) unknownTypes.inc({ provider }, 0);
  const failedWrites = new Counter({
    name: 'kyc_store_write_failures_total',
    help: 'Deliveries and other writes that failed because the database was unavailable, by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of writeFailures) failedWrites.inc({ reason }, 0);
  return {
    unknownTypes,
    failedWrites,
    webhooks: createLabelledCounter(registry, {
      name: 'kyc_webhooks_total',
      help: 'Webhooks by provider and outcome.',
      labels: ['provider', 'outcome'],
      first: providers,
      second: [...WEBHOOK_OUTCOMES, ...ERROR_CODES, OTHER],
      fromTheStart: [providerIds, WEBHOOK_OUTCOMES],
    }),
    signatureFailures: createLabelledCounter(registry, {
      name: 'kyc_webhook_signature_failures_total',
      help: 'Webhooks without a valid proof of their provider, by provider and reason.',
      labels: ['provider', 'reason'],
      first: providers,
      second: [...signatureFailures, OTHER],
      fromTheStart: [providerIds, signatureFailures],
    }),
    operations: createLabelledCounter(registry, {
      name: 'kyc_graphql_operations_total',
      help: 'GraphQL operations by transport and outcome: OK, or the code of the first error.',
      labels: ['transport', 'outcome'],
      first: ['http', 'websocket'],
      second: [...OPERATION_OUTCOMES, ...ERROR_CODES, ...GRAPHQL_CODES, OTHER],
      fromTheStart: [['http'], OPERATION_OUTCOMES],
    }),
    authenticationFailures: createLabelledCounter(registry, {
      name: 'kyc_authentication_failures_total',
      help: 'Rejected credentials by entry point and reason.',
      labels: ['entry_point', 'reason'],
      first: [...ENTRY_POINTS, OTHER],
      second: [...authFailures, OTHER],
      fromTheStart: [ENTRY_POINTS, authFailures],
    }),
    statusChecks: createLabelledCounter(registry, {
      name: 'kyc_provider_api_requests_total',
      help: "Status checks sent to the providers' APIs, by provider and outcome.",
      labels: ['provider', 'outcome'],
      first: providers,
      second: [...statusCheckOutcomes, OTHER],
      fromTheStart: [providerIds, statusCheckOutcomes],
    }),
    openCircuits: new Gauge({
      name: 'kyc_provider_api_circuit_open',
      help: "1 while no status checks are sent because the provider's API does not respond.",
      labelNames: ['provider'],
      registers,
    }),
    skippedUsers: new Counter({
      name: 'kyc_users_skipped_total',
      help: 'Users whose state could not be updated after an expiry or a change of the rules.',
      registers,
    }),
  };
}

function createHistograms(registry: Registry) {
  const registers = [registry];
  return {
    ingest: new Histogram({
      name: 'kyc_ingest_duration_seconds',
      help: 'Time from the last byte of a webhook to its commit or rejection. Webhooks that are rejected before their body is read are not included.',
      buckets: SECONDS,
      registers,
    }),
    graphql: new Histogram({
      name: 'kyc_graphql_duration_seconds',
      help: 'Time from the headers of a request to /graphql over HTTP to its response.',
      buckets: SECONDS,
      registers,
    }),
    commit: new Histogram({
      name: 'kyc_commit_duration_seconds',
      help: 'Duration of the transaction of one group of deliveries.',
      buckets: SECONDS,
      registers,
    }),
    commitSize: new Histogram({
      name: 'kyc_commit_deliveries',
      help: 'Deliveries committed in one transaction.',
      buckets: GROUP_SIZES,
      registers,
    }),
  };
}

/** Plain numbers that events change and a scrape reads. */
function createCollectedFigures(registry: Registry, { version, database }: MetricsOptions) {
  const registers = [registry];
  const figures = { slowConsumers: 0, deliveries: 0 };
  new Counter({
    name: 'kyc_slow_consumers_closed_total',
    help: 'WebSockets closed because the client did not read.',
    registers,
    collect() {
      this.reset();
      this.inc(figures.slowConsumers);
    },
  });
  new Gauge({
    name: 'kyc_deliveries_waiting',
    help: 'Webhooks that are read and not yet committed or rejected.',
    registers,
    collect() {
      this.set(figures.deliveries);
    },
  });
  new Gauge({
    name: 'kyc_info',
    help: 'Version and database of the gateway. Always 1.',
    labelNames: ['version', 'database'],
    registers,
  }).set({ version, database }, 1);
  return figures;
}
