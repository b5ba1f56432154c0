/** A store on a real database, a feed and the schema, with helpers to record events and execute operations. */

import { type ExecutionResult, execute, type GraphQLFormattedError, subscribe } from 'graphql';
import pino from 'pino';
import type { Principal, Scope } from '../../src/access/principal';
import { DEFAULT_DOCUMENT_LIMITS } from '../../src/config/graphql';
import type { IncomingDelivery, Reading } from '../../src/domain/delivery';
import type { EndUserReasons } from '../../src/domain/end-user-reasons';
import type { StatusEvent, VerificationEvent } from '../../src/domain/event';
import type { ProviderId } from '../../src/domain/level';
import { DEFAULT_MONITORING_RULES } from '../../src/domain/monitoring';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy';
import { createFeed } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import { getViewKey } from '../../src/graphql/access/visibility';
import { createPrepareOperation } from '../../src/graphql/documents/prepare-operation';
import { ALL_DOCUMENTS } from '../../src/graphql/documents/trusted-documents';
import { createErrorFormatter } from '../../src/graphql/errors';
import { createContext } from '../../src/graphql/request/context';
import { createSchema } from '../../src/graphql/schema';
import type { GraphQLService } from '../../src/graphql/service';
import { PROVIDERS } from '../../src/providers/registry';
import type { DatabaseConfig } from '../../src/store/database/options';
import { openStore } from '../../src/store/open-store';
import type { Reader } from '../../src/store/read/reader';
import type { Store } from '../../src/store/store';
import { createTestDatabase } from '../support/databases';
import { storeConfigOf } from '../support/store-config';

/** A result as a client receives it, parsed from JSON. */
export interface GraphQLResult {
  // biome-ignore lint/suspicious/noExplicitAny: responses are untyped, and tests assert their shape
  readonly data?: any;
  readonly errors?: readonly GraphQLFormattedError[];
}

/** A subscription as a client receives it. */
export interface TestSubscription {
  /** Result of a subscription that was rejected. */
  readonly rejection: GraphQLResult | null;
  next(): Promise<IteratorResult<GraphQLResult, undefined>>;
  /** Returns the next `count` items. */
  take(count: number): Promise<readonly GraphQLResult[]>;
  stop(): Promise<void>;
}

export interface World {
  readonly store: Store;
  readonly database: DatabaseConfig;
  /** Service for servers in tests. Queries do not use a snapshot. */
  readonly service: GraphQLService;
  /** Statements sent to the database since the last `clear`. */
  readonly statements: { readonly sent: readonly string[]; clear(): void };
  /** Log records of masked errors. */
  readonly loggedErrors: readonly object[];
  execute(
    principal: Principal,
    source: string,
    variables?: Record<string, unknown>,
  ): Promise<GraphQLResult>;
  subscribe(
    principal: Principal,
    source: string,
    variables?: Record<string, unknown>,
  ): Promise<TestSubscription>;
  /** Records a delivery with these events. Returns its number. */
  recordEvents(provider: ProviderId, ...events: readonly VerificationEvent[]): Promise<number>;
  record(delivery: Partial<IncomingDelivery> & { readonly reading: Reading }): Promise<number>;
  /** Sets the result of parsing every stored delivery in a replay. */
  setReplayReading(reading: Reading): void;
  /** Stops the feed, which polls the log every second, so that only the statements of operations are counted. */
  stopFeed(): Promise<void>;
  close(): Promise<void>;
}

/** Tests execute documents beyond the default limits. */
const NO_LIMITS = {
  tokens: 100_000,
  depth: 1_000,
  rootFields: 1_000,
  fields: 100_000,
  aliases: 1_000,
  directives: 1_000,
  fragments: 1_000,
  cost: Number.POSITIVE_INFINITY,
};

export const NOW = new Date('2024-06-01T12:00:00.000Z');

/** An attempt that has been in its status for a day has stalled. */
const A_DAY_AGO = new Date(NOW.getTime() - 24 * 60 * 60_000);
const STALLED_BEFORE = {
  PENDING: A_DAY_AGO,
  IN_PROGRESS: A_DAY_AGO,
  ACTION_REQUIRED: A_DAY_AGO,
  IN_REVIEW: A_DAY_AGO,
};

export async function openWorld(
  options: { readonly policy?: Policy; readonly endUserReasons?: EndUserReasons } = {},
): Promise<World> {
  const database = await createTestDatabase();
  const sent: string[] = [];
  const loggedErrors: object[] = [];
  const log = pino({ level: 'silent' });
  const store = await openStore(storeConfigOf(database.config, options), log, {
    onQuery: (sql) => sent.push(sql),
    clock: () => NOW,
  });
  const feed = createFeed({
    read: store.read,
    logId: store.logId,
    wakeup: createMemoryWakeup(),
    log,
  });
  const schema = createSchema(PROVIDERS);
  const format = createErrorFormatter({ error: (details) => loggedErrors.push(details) });
  let replayReading: Reading | null = null;
  let deliveries = 0;

  const documents = { schema, introspection: true, trusted: ALL_DOCUMENTS };
  const prepareOperation = createPrepareOperation({ ...documents, limits: NO_LIMITS });

  const createTestContext = (principal: Principal, read: Reader) =>
    createContext({
      principal,
      read,
      store,
      feed,
      policy: options.policy ?? DEFAULT_POLICY,
      endUserReasons: options.endUserReasons ?? 'limited',
      providers: PROVIDERS,
      configured: new Set(['sumsub', 'p100']),
      reread: () => {
        if (!replayReading) throw new Error('No replay result is set');
        return replayReading;
      },
      silenceRule: DEFAULT_MONITORING_RULES.silence,
      openAttempts: () => read.openAttempts(STALLED_BEFORE),
      now: () => NOW,
    });

  const toResult = (result: ExecutionResult): GraphQLResult =>
    JSON.parse(
      JSON.stringify(result.errors ? { ...result, errors: result.errors.map(format) } : result),
    );

  const world: World = {
    store,
    database: database.config,
    service: {
      schema,
      prepare: createPrepareOperation({ ...documents, limits: DEFAULT_DOCUMENT_LIMITS }),
      trusted: ALL_DOCUMENTS,
      formatError: format,
      getViewKey,
      openContext: (principal) => ({
        context: createTestContext(principal, store.read),
        release() {},
      }),
    },
    statements: {
      sent,
      clear() {
        sent.length = 0;
      },
    },
    loggedErrors,

    async execute(principal, query, variables = {}) {
      const prepared = prepareOperation({ query, operationName: null, variables });
      if ('errors' in prepared) return toResult(prepared);
      const { document, operation } = prepared;
      const run = async (read: Reader) =>
        execute({
          schema,
          document,
          variableValues: variables,
          contextValue: createTestContext(principal, read),
        });
      const isQuery = operation.operation === 'query';
      return toResult(await (isQuery ? store.snapshot(run) : run(store.read)));
    },

    async subscribe(principal, query, variables = {}) {
      const prepared = prepareOperation({ query, operationName: null, variables });
      if ('errors' in prepared) return { ...NO_SUBSCRIPTION, rejection: toResult(prepared) };
      const result = await subscribe({
        schema,
        document: prepared.document,
        variableValues: variables,
        contextValue: createTestContext(principal, store.read),
      });
      return Symbol.asyncIterator in result
        ? createTestSubscription(result, toResult, format)
        : { ...NO_SUBSCRIPTION, rejection: toResult(result) };
    },

    async recordEvents(provider, ...events) {
      const duplicateKey = `delivery ${deliveries}`;
      const reading: Reading = { kind: 'EVENTS', eventType: 'test', duplicateKey, events };
      return await world.record({ provider, reading });
    },

    async record(delivery) {
      deliveries += 1;
      const outcome = await store.record({
        provider: 'sumsub',
        receivedAt: new Date(NOW.getTime() + deliveries * 1000),
        rawBody: Buffer.from(`{"delivery":${deliveries}}`),
        subpath: '',
        trust: 'SIGNED',
        ...delivery,
      });
      if (outcome.changes > 0) feed.wake();
      return outcome.deliveryId;
    },

    setReplayReading(reading) {
      replayReading = reading;
    },

    stopFeed: () => feed.stop(),

    async close() {
      await feed.stop();
      await store.close();
      await database.drop();
    },
  };
  return world;
}

const NO_SUBSCRIPTION = {
  next: async () => ({ done: true, value: undefined }) as const,
  take: async () => [],
  stop: async () => {},
};

function createTestSubscription(
  stream: AsyncGenerator<ExecutionResult, void, void>,
  toAnswer: (result: ExecutionResult) => GraphQLResult,
  format: (error: unknown) => GraphQLFormattedError,
): TestSubscription {
  const watch: TestSubscription = {
    rejection: null,
    async next() {
      try {
        const item = await stream.next();
        return item.done
          ? { done: true, value: undefined }
          : { done: false, value: toAnswer(item.value) };
      } catch (error) {
        return { done: false, value: { errors: [format(error)] } };
      }
    },
    async take(count) {
      const items: GraphQLResult[] = [];
      while (items.length < count) {
        const item = await watch.next();
        if (item.done) throw new Error(`The stream ended after ${items.length} of ${count} items`);
        items.push(item.value);
      }
      return items;
    },
    async stop() {
      await stream.return();
    },
  };
  return watch;
}

export const OPERATOR = apiKey('read', 'operate', 'pii:read');

export function apiKey(...scopes: readonly Scope[]): Principal {
  return { kind: 'API_KEY', keyId: 1, name: 'back office', scopes: new Set(scopes) };
}

export function endUser(externalUserId: string, ...scopes: readonly Scope[]): Principal {
  return {
    kind: 'USER',
    externalUserId,
    scopes: new Set(scopes),
    expiresAt: null,
    authenticatedAt: new Date(),
  };
}

/** A status event of a provider that sends `externalUserId`. All IDs of the user derive from `name`. */
export function statusEvent(
  name: string,
  status: StatusEvent['status'],
  minute: number,
  more: Partial<StatusEvent> = {},
): StatusEvent {
  return {
    type: 'STATUS',
    subjectRef: `ref-${name}`,
    externalUserId: name,
    level: 'basic',
    levelKind: 'LEVEL',
    providerStatus: `provider ${status}`,
    ...(status && { status }),
    occurredAt: at(minute),
    ...more,
  };
}

/** Removes the external user ID, as for a provider that does not send it. */
export function withoutExternalUserId({ externalUserId: _, ...event }: StatusEvent): StatusEvent {
  return event;
}

/** Returns the instant `minute` minutes after 08:00 UTC of the test day. */
export function at(minute: number): string {
  const date = new Date(Date.parse('2024-06-01T08:00:00.000Z') + minute * 60_000);
  return date.toISOString().replace('Z', '000000Z');
}

/** Returns the codes of the errors of a result. */
export function codesOf(result: GraphQLResult): readonly unknown[] {
  return (result.errors ?? []).map((error) => error.extensions?.code);
}
