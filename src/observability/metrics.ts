/**
 * What an operator watches, in the text form of Prometheus.
 *
 * What happens often is a plain number, or one observation of a histogram without labels; all else is read when somebody
 * asks. Values of labels come from lists that are fixed at the start: what a client makes up is `OTHER`.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ERROR_CODES } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import { DISPOSITIONS } from '../domain/status';
import { createLabelledCounter } from './labelled-counter';
import { createMonitorGauges, type MonitorReport } from './monitor-gauges';

export interface Metrics {
  /** @param outcome - Disposition of what was kept, `DUPLICATE`, or the code of the error with which it was rejected. */
  webhook(provider: string, outcome: string): void;
  /** A webhook of a type that the adapter does not know was quarantined. */
  unknownType(provider: ProviderId): void;
  /** A webhook did not prove that its vendor sent it. @param reason - One of `signatureFailures`. */
  signatureRejected(provider: string, reason: string): void;
  /** @param outcome - `OK`, or the code of the first error. */
  operation(transport: Transport, outcome: string): void;
  /** An answer to `/graphql` over HTTP was ready after so many milliseconds. */
  graphqlResponse(durationMs: number): void;
  /** Bad credentials were shown. @param reason - What was wrong with them, one of `authFailures`. */
  authenticationFailed(entryPoint: string, reason: string): void;
  /** A connection was closed because its client did not read. */
  slowConsumer(): void;
  /** A question to a vendor's API has come to its end. */
  asked(provider: string, outcome: string): void;
  /** A vendor's API is left alone from now on, or asked again. */
  line(provider: string, up: boolean): void;
  /** A write failed because the database is unavailable. @param reason - One of `writeFailures`. */
  writeFailed(reason: string): void;
  /** A group of deliveries was committed in one transaction. */
  committed(deliveries: number, durationMs: number): void;
  /** Measures every call, and how many are under way. */
  timeIngest<Args extends readonly unknown[], Outcome>(
    ingest: (...args: Args) => Promise<Outcome>,
  ): (...args: Args) => Promise<Outcome>;
  /** The state of a user could not be updated after an expiry or a change of the rules. */
  skippedUser(): void;
  /** The page that Prometheus reads. */
  expose(): Promise<MetricsPage>;
}

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

export type Transport = 'http' | 'websocket';

/** How things stand at this moment; `null`: cannot be told now. */
export interface GatewayStats {
  readonly storeReady: boolean;
  readonly logHead: number | null;
  readonly feedPosition: number | null;
  readonly sockets: number;
  readonly subscriptions: number;
  /** Subscriptions that read the log by themselves because they do not keep up with its head. */
  readonly subscriptionsBehind: number;
  /** `null`: it has not finished its first round. */
  readonly watch: MonitorReport | null;
}

export interface MetricsOptions {
  /** Every vendor of the registry. */
  readonly providerIds: readonly ProviderId[];
  /** What can come of asking a vendor. */
  readonly askOutcomes: readonly string[];
  /** What can be wrong with credentials. */
  readonly authFailures: readonly string[];
  /** Reasons for which a webhook is not authentic. */
  readonly signatureFailures: readonly string[];
  /** Reasons for which the database cannot be written. */
  readonly writeFailures: readonly string[];
  readonly version: string;
  readonly database: string;
  readonly standing: () => Promise<GatewayStats>;
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
/** What the GraphQL library and Apollo Server say beside our own codes. */
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
  const { providerIds, askOutcomes, authFailures, signatureFailures, writeFailures, standing } =
    options;
  const registry = new Registry();
  const registers = [registry];
  let waiting = 0;
  let slowConsumers = 0;
  let processWatched = false;

  const webhooks = createLabelledCounter(registry, {
    name: 'kyc_webhooks_total',
    help: 'Webhooks by vendor and by what became of them.',
    labels: ['provider', 'outcome'],
    first: [...providerIds, UNKNOWN],
    second: [...WEBHOOK_OUTCOMES, ...ERROR_CODES, OTHER],
    fromTheStart: [providerIds, WEBHOOK_OUTCOMES],
  });
  const unknownTypes = new Counter({
    name: 'kyc_unknown_webhook_types_total',
    help: 'Webhooks quarantined because the adapter does not know their type, by provider.',
    labelNames: ['provider'],
    registers,
  });
  for (const provider of providerIds) unknownTypes.inc({ provider }, 0);
  const skippedUsers = new Counter({
    name: 'kyc_users_skipped_total',
    help: 'Users whose state could not be updated after an expiry or a change of the rules.',
    registers,
  });
  const signatureRejected = createLabelledCounter(registry, {
    name: 'kyc_webhook_signature_failures_total',
    help: 'Webhooks that did not prove that their vendor sent them, by vendor and reason.',
    labels: ['provider', 'reason'],
    first: [...providerIds, UNKNOWN],
    second: [...signatureFailures, OTHER],
    fromTheStart: [providerIds, signatureFailures],
  });
  const operations = createLabelledCounter(registry, {
    name: 'kyc_graphql_operations_total',
    help: 'GraphQL operations by transport and outcome: OK, or the code of the first error.',
    labels: ['transport', 'outcome'],
    first: ['http', 'websocket'],
    second: [...OPERATION_OUTCOMES, ...ERROR_CODES, ...GRAPHQL_CODES, OTHER],
    fromTheStart: [['http'], OPERATION_OUTCOMES],
  });
  const authenticationFailed = createLabelledCounter(registry, {
    name: 'kyc_authentication_failures_total',
    help: 'Bad credentials by where they were shown and what was wrong with them.',
    labels: ['entry_point', 'reason'],
    first: [...ENTRY_POINTS, OTHER],
    second: [...authFailures, OTHER],
    fromTheStart: [ENTRY_POINTS, authFailures],
  });
  const questions = createLabelledCounter(registry, {
    name: 'kyc_provider_api_requests_total',
    help: "Questions to the vendors' APIs by what came of them.",
    labels: ['provider', 'outcome'],
    first: [...providerIds, UNKNOWN],
    second: [...askOutcomes, OTHER],
    fromTheStart: [providerIds, askOutcomes],
  });
  const lines = new Gauge({
    name: 'kyc_provider_api_circuit_open',
    help: "1 while the vendor's API is not asked because it does not answer.",
    labelNames: ['provider'],
    registers,
  });
  const failedWrites = new Counter({
    name: 'kyc_store_write_failures_total',
    help: 'Deliveries and other writes that failed because the database was unavailable, by reason.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of writeFailures) failedWrites.inc({ reason }, 0);
  const ingestDuration = new Histogram({
    name: 'kyc_ingest_duration_seconds',
    help: 'From the last byte of a webhook to its commit or refusal. Webhooks refused before their body are not counted.',
    buckets: SECONDS,
    registers,
  });
  const queryDuration = new Histogram({
    name: 'kyc_graphql_duration_seconds',
    help: 'From the headers of a request to /graphql over HTTP to its answer.',
    buckets: SECONDS,
    registers,
  });
  const commitDuration = new Histogram({
    name: 'kyc_commit_duration_seconds',
    help: 'Time that the transaction of one group of deliveries took.',
    buckets: SECONDS,
    registers,
  });
  const commitSize = new Histogram({
    name: 'kyc_commit_deliveries',
    help: 'Deliveries committed in one transaction.',
    buckets: GROUP_SIZES,
    registers,
  });
  new Counter({
    name: 'kyc_slow_consumers_closed_total',
    help: 'WebSockets closed because the client did not read.',
    registers,
    collect() {
      this.reset();
      this.inc(slowConsumers);
    },
  });
  new Gauge({
    name: 'kyc_deliveries_waiting',
    help: 'Webhooks that are read and not yet committed or rejected: the queue.',
    registers,
    collect() {
      this.set(waiting);
    },
  });
  new Gauge({
    name: 'kyc_info',
    help: 'Always 1; what runs here.',
    labelNames: ['version', 'database'],
    registers,
  }).set({ version: options.version, database: options.database }, 1);
  const showStanding = createStandingGauges(registry);
  const showWatch = createMonitorGauges(registry);

  return {
    webhook: (provider, outcome) => webhooks.count(provider, outcome),
    unknownType: (provider) => unknownTypes.inc({ provider }),
    signatureRejected: (provider, reason) => signatureRejected.count(provider, reason),
    operation: (transport, outcome) => operations.count(transport, outcome),
    authenticationFailed: (entryPoint, reason) => authenticationFailed.count(entryPoint, reason),
    graphqlResponse: (durationMs) => queryDuration.observe(durationMs / 1000),
    asked: (provider, outcome) => questions.count(provider, outcome),
    line: (provider, up) => lines.set({ provider }, up ? 0 : 1),
    slowConsumer() {
      slowConsumers += 1;
    },
    skippedUser: () => skippedUsers.inc(),
    writeFailed: (reason) => failedWrites.inc({ reason }),
    committed(deliveries, durationMs) {
      commitSize.observe(deliveries);
      commitDuration.observe(durationMs / 1000);
    },
    timeIngest: (ingest) =>
      async function timed(...args) {
        const startedAt = performance.now();
        waiting += 1;
        try {
          return await ingest(...args);
        } finally {
          waiting -= 1;
          ingestDuration.observe((performance.now() - startedAt) / 1000);
        }
      },
    async expose() {
      // Measured from when first asked for: what nobody reads costs nothing.
      if (!processWatched) collectDefaultMetrics({ register: registry });
      processWatched = true;
      const now = await standing();
      showStanding(now);
      if (now.watch !== null) showWatch(now.watch);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function createStandingGauges(registry: Registry): (standing: GatewayStats) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const storeReady = gauge('kyc_store_ready', '1 while the store can be read and is migrated.');
  const logHead = gauge('kyc_log_head', 'Position of the newest entry of the change log.');
  const feedPosition = gauge('kyc_feed_position', 'Entry up to which this process has read it.');
  const feedLag = gauge('kyc_feed_lag_entries', 'Entries that this process has yet to read.');
  const sockets = gauge('kyc_sockets', 'WebSockets that are open.');
  const subscriptions = gauge('kyc_subscriptions', 'Subscriptions that are open.');
  const behind = gauge(
    'kyc_subscriptions_behind',
    'Subscriptions that have yet to catch up with the head of the log.',
  );
  return (standing) => {
    const { logHead: head, feedPosition: position } = standing;
    storeReady.set(standing.storeReady ? 1 : 0);
    logHead.set(head ?? Number.NaN);
    feedPosition.set(position ?? Number.NaN);
    feedLag.set(head === null || position === null ? Number.NaN : Math.max(0, head - position));
    sockets.set(standing.sockets);
    subscriptions.set(standing.subscriptions);
    behind.set(standing.subscriptionsBehind);
  };
}
