/** A real store on a real file, a real feed, the schema, and short ways to tell them things and to ask. */

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
import { createMemoryWakeup } from '../../src/feed/wakeup/memory';
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

/** A result as JSON: what a client sees. */
export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: what a client gets is untyped, and tests say what they expect of it
  readonly data?: any;
  readonly errors?: readonly GraphQLFormattedError[];
}

/** A subscription as a client sees it. */
export interface Watch {
  /** Why it never began. */
  readonly refused: Answer | null;
  next(): Promise<IteratorResult<Answer, undefined>>;
  /** The next `count` items. */
  take(count: number): Promise<readonly Answer[]>;
  stop(): Promise<void>;
}

export interface World {
  readonly store: Store;
  readonly database: DatabaseConfig;
  /** For servers over this world; queries are answered on no snapshot. */
  readonly service: GraphQLService;
  /** Statements sent to the database since the last `forget`. */
  readonly statements: { readonly sent: readonly string[]; forget(): void };
  /** Log records of masked errors. */
  readonly faults: readonly object[];
  ask(principal: Principal, source: string, variables?: Record<string, unknown>): Promise<Answer>;
  watch(principal: Principal, source: string, variables?: Record<string, unknown>): Promise<Watch>;
  /** Keeps one delivery that says these events. */
  tell(provider: ProviderId, ...events: readonly VerificationEvent[]): Promise<number>;
  record(delivery: Partial<IncomingDelivery> & { readonly reading: Reading }): Promise<number>;
  /** How every kept delivery is understood from now on. */
  reread(reading: Reading): void;
  /** Ends the feed, which looks into the log every second: now no statement is sent but those of what is asked. */
  silence(): Promise<void>;
  close(): Promise<void>;
}

/** Tests ask for more than documents of clients may. */
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
  const faults: object[] = [];
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
  const format = createErrorFormatter({ error: (details) => faults.push(details) });
  let rereading: Reading | null = null;
  let deliveries = 0;

  const documents = { schema, introspection: true, trusted: ALL_DOCUMENTS };
  const admit = createPrepareOperation({ ...documents, limits: NO_LIMITS });

  const contextFor = (principal: Principal, read: Reader) =>
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
        if (!rereading) throw new Error('this test replays nothing');
        return rereading;
      },
      silenceRule: DEFAULT_MONITORING_RULES.silence,
      openAttempts: () => read.openAttempts(STALLED_BEFORE),
      now: () => NOW,
    });

  const toAnswer = (result: ExecutionResult): Answer =>
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
      getViewKey: getViewKey,
      openContext: (principal) => ({ context: contextFor(principal, store.read), release() {} }),
    },
    statements: {
      sent,
      forget() {
        sent.length = 0;
      },
    },
    faults,

    async ask(principal, query, variables = {}) {
      const admitted = admit({ query, operationName: null, variables });
      if ('errors' in admitted) return toAnswer(admitted);
      const { document, operation } = admitted;
      const run = async (read: Reader) =>
        execute({
          schema,
          document,
          variableValues: variables,
          contextValue: contextFor(principal, read),
        });
      const isQuery = operation.operation === 'query';
      return toAnswer(await (isQuery ? store.snapshot(run) : run(store.read)));
    },

    async watch(principal, query, variables = {}) {
      const admitted = admit({ query, operationName: null, variables });
      if ('errors' in admitted) return { ...NOTHING_TO_WATCH, refused: toAnswer(admitted) };
      const result = await subscribe({
        schema,
        document: admitted.document,
        variableValues: variables,
        contextValue: contextFor(principal, store.read),
      });
      return Symbol.asyncIterator in result
        ? watchOver(result, toAnswer, format)
        : { ...NOTHING_TO_WATCH, refused: toAnswer(result) };
    },

    async tell(provider, ...events) {
      const duplicateKey = `delivery ${deliveries}`;
      const reading: Reading = { kind: 'EVENTS', eventType: 'told', duplicateKey, events };
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

    reread(reading) {
      rereading = reading;
    },

    silence: () => feed.stop(),

    async close() {
      await feed.stop();
      await store.close();
      await database.drop();
    },
  };
  return world;
}

const NOTHING_TO_WATCH = {
  next: async () => ({ done: true, value: undefined }) as const,
  take: async () => [],
  stop: async () => {},
};

function watchOver(
  stream: AsyncGenerator<ExecutionResult, void, void>,
  toAnswer: (result: ExecutionResult) => Answer,
  format: (error: unknown) => GraphQLFormattedError,
): Watch {
  const watch: Watch = {
    refused: null,
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
      const items: Answer[] = [];
      while (items.length < count) {
        const item = await watch.next();
        if (item.done) throw new Error(`the stream ended after ${items.length} of ${count} items`);
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

/** A status event of a Sumsub-like vendor about the user who is called the same everywhere. */
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
    providerStatus: `said ${status}`,
    ...(status && { status }),
    occurredAt: at(minute),
    ...more,
  };
}

/** The same from a vendor that does not know our customer's id of the user. */
export function unnamed({ externalUserId: _, ...event }: StatusEvent): StatusEvent {
  return event;
}

/** An instant so many minutes into the morning of our day. */
export function at(minute: number): string {
  const moment = new Date(Date.parse('2024-06-01T08:00:00.000Z') + minute * 60_000);
  return moment.toISOString().replace('Z', '000000Z');
}

/** The codes of an answer's errors. */
export function codesOf(answer: Answer): readonly unknown[] {
  return (answer.errors ?? []).map((error) => error.extensions?.code);
}
