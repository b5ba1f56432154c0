/** A small GraphQL API over a change log in memory, to test servers and clients without the rest of the gateway. */

import { buildSchema, type GraphQLSchema } from 'graphql';
import { DEFAULT_DOCUMENT_LIMITS } from '../../src/config/graphql';
import { decodeCursor, encodeCursor, type LogPosition } from '../../src/domain/cursor';
import { GatewayError, StoreUnavailableError } from '../../src/domain/errors';
import { createFeed, type Feed } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import { createPrepareOperation } from '../../src/graphql/documents/prepare-operation';
import { ALL_DOCUMENTS } from '../../src/graphql/documents/trusted-documents';
import { createErrorFormatter } from '../../src/graphql/errors';
import type { GraphQLService } from '../../src/graphql/service';
import type { Disposal } from './disposal';
import { silentLog } from './logs';
import { createMemoryLog, type MemoryLog } from './memory-log';

export const LOG_ID = 'toy';

export interface Toy {
  readonly service: GraphQLService;
  readonly log: MemoryLog;
  readonly feed: Feed;
  /** Operations under way, by what they hold. */
  readonly held: { requests: number; subscriptions: number };
  /** Number of items encoded per viewer. Encoded items that are not yet sent use memory. */
  readonly made: Map<string, number>;
  /** The field `fragile` fails that often. */
  readonly failing: { times: number; error: Error };
  /** Opening a subscription fails that often. */
  readonly refusing: { times: number };
  /** Writes entries and wakes the feed. */
  commit(count: number): void;
}

const SDL = `
  type Query { hello(name: String): String!  secret: String  stored: String!  viewer: String!  cursor: String!  holding: Int! }
  type Mutation { commit(count: Int!): Int! }
  type Subscription { statusChanged(after: String): StatusChange!  silence: Int  refused: Int }
  type StatusChange { cursor: String!  seq: Int!  fragile: Int!  padding(bytes: Int!): String! }
`;

/** @param getViewKey - By default, no two subscribers share a view. */
export function createToy(
  disposal: Disposal,
  log: MemoryLog = createMemoryLog(),
  getViewKey: GraphQLService['getViewKey'] = () => null,
): Toy {
  const feed = createFeed({
    read: log,
    logId: LOG_ID,
    wakeup: createMemoryWakeup(),
    log: silentLog,
  });
  disposal.defer(() => feed.stop());
  const held = { requests: 0, subscriptions: 0 };
  const made = new Map<string, number>();
  const failing = { times: 0, error: new StoreUnavailableError() };
  const refusing = { times: 0 };
  const commit = (count: number) => {
    for (let index = 0; index < count; index += 1) log.commit({});
    feed.wake();
  };
  const schema = withResolvers(buildSchema(SDL), {
    feed,
    log,
    commit,
    held,
    made,
    failing,
    refusing,
  });
  const service: GraphQLService = {
    schema,
    prepare: createPrepareOperation({
      schema,
      limits: DEFAULT_DOCUMENT_LIMITS,
      introspection: true,
      trusted: ALL_DOCUMENTS,
    }),
    trusted: ALL_DOCUMENTS,
    formatError: createErrorFormatter(silentLog),
    getViewKey,
    openContext(principal, purpose) {
      const kind = purpose === 'REQUEST' ? 'requests' : 'subscriptions';
      held[kind] += 1;
      return {
        context: { viewer: principal.kind === 'API_KEY' ? principal.name : '' },
        release() {
          held[kind] -= 1;
        },
      };
    },
  };
  return { service, log, feed, held, made, failing, refusing, commit };
}

function withResolvers(schema: GraphQLSchema, toy: Omit<Toy, 'service'>): GraphQLSchema {
  const query = schema.getQueryType()?.getFields() ?? {};
  const mutation = schema.getMutationType()?.getFields() ?? {};
  const subscription = schema.getSubscriptionType()?.getFields() ?? {};
  Object.assign(query.hello ?? {}, {
    resolve: (_: unknown, { name }: { name?: string }) => `hello ${name ?? 'world'}`,
  });
  Object.assign(query.secret ?? {}, {
    resolve() {
      throw new Error('the passport number is 123');
    },
  });
  Object.assign(query.stored ?? {}, {
    resolve() {
      throw new StoreUnavailableError();
    },
  });
  Object.assign(query.viewer ?? {}, {
    resolve: (_: unknown, __: unknown, context: { viewer: string }) => context.viewer,
  });
  Object.assign(query.cursor ?? {}, {
    resolve: async () => encodeCursor(LOG_ID, (await toy.log.logState()).head),
  });
  Object.assign(query.holding ?? {}, { resolve: () => toy.held.requests });
  Object.assign(mutation.commit ?? {}, {
    resolve(_: unknown, { count }: { count: number }) {
      toy.commit(count);
      return count;
    },
  });
  Object.assign(subscription.statusChanged ?? {}, {
    subscribe(_: unknown, { after }: { after?: string | null }) {
      if (toy.refusing.times > 0) {
        toy.refusing.times -= 1;
        throw new StoreUnavailableError();
      }
      const from = after ? { after: decodeCursor(LOG_ID, after) } : {};
      return toy.feed.subscribe({ ...from, filter: {} });
    },
    resolve({ seq, nonce }: LogPosition, _: unknown, { viewer }: { viewer: string }) {
      toy.made.set(viewer, (toy.made.get(viewer) ?? 0) + 1);
      const padding = ({ bytes }: { bytes: number }) => 'x'.repeat(bytes);
      const fragile = async () => {
        if (toy.failing.times <= 0) return seq;
        toy.failing.times -= 1;
        throw toy.failing.error;
      };
      return { seq, cursor: encodeCursor(LOG_ID, { seq, nonce }), fragile, padding };
    },
  });
  Object.assign(subscription.silence ?? {}, {
    subscribe: () => toy.feed.subscribe({ filter: { userIds: [1_000_000] } }),
  });
  Object.assign(subscription.refused ?? {}, {
    subscribe() {
      throw new GatewayError('FORBIDDEN', 'this is not for you');
    },
  });
  return schema;
}
