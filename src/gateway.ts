/** The composition root: the one file that knows every part. */

import { createAuthenticator } from './access/authenticator';
import { createJwtVerifier } from './access/jwt';
import type { Principal } from './access/principal';
import type { Config } from './config';
import { createFeed } from './feed/feed';
import { createMemoryWakeup } from './feed/memory-wakeup';
import { type ContextParts, createContext } from './graphql/context';
import { formatError } from './graphql/errors';
import { createSchema } from './graphql/schema';
import { createTreeAnswers } from './graphql/tree-answer';
import type { GraphQLService, OperationContext } from './http/graphql-service';
import type { Limits } from './http/limits';
import { createHttpServer } from './http/server';
import { createIngest, createReread } from './ingest/ingest';
import type { Logger } from './observability/log';
import { createProviders, PROVIDERS } from './providers/registry';
import { openStore, type StoreOptions } from './store/open-store';
import type { Reader, Store } from './store/store';
import { startUpkeep } from './upkeep';

export interface Gateway {
  /** Where it listens, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly store: Store;
  /** Stops accepting, finishes what is under way, closes sockets so that clients come back. */
  stop(): Promise<void>;
}

export interface GatewayOptions extends StoreOptions {
  readonly limits?: {
    readonly http?: Partial<Limits['http']>;
    readonly sockets?: Partial<Limits['sockets']>;
  };
}

/** Resolves when clients can connect. Where it cannot listen, nothing of it is left running. */
export async function createGateway(
  config: Config,
  log: Logger,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const clock = options.clock ?? (() => new Date());
  const store = await openStore(config, log, options);
  const wakeup = createMemoryWakeup();
  const feed = createFeed({ read: store.read, logId: store.logId, wakeup, log });
  const providers = createProviders(config);
  const authenticator = createAuthenticator({
    apiKeys: store.apiKeys,
    bootstrapApiKey: config.bootstrapApiKey,
    jwt: config.jwt === null ? null : createJwtVerifier(config.jwt, clock),
    now: clock,
  });
  const graphql = createGraphQLService(log, {
    store,
    feed,
    policy: config.policy,
    providers: PROVIDERS,
    configured: new Set(providers.keys()),
    reread: createReread(providers, clock),
    now: clock,
  });
  const server = createHttpServer({
    host: config.host,
    port: config.port,
    ingest: createIngest({ providers, store, wake: wakeup.wake, clock }),
    graphql,
    authenticator,
    store,
    log,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const upkeep = startUpkeep({
    store,
    wake: wakeup.wake,
    clock,
    log,
    changeLogRetentionDays: config.changeLogRetentionDays,
  });
  const gateway = {
    store,
    async stop() {
      await server.close();
      await upkeep.stop();
      await feed.stop();
      await store.close();
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

type Parts = Omit<ContextParts, 'principal' | 'read'>;

function createGraphQLService(log: Logger, parts: Parts): GraphQLService {
  const { store } = parts;
  const schema = createSchema(parts.providers);
  return {
    schema,
    answer: createTreeAnswers({ ...parts, schema, log }),
    formatError: formatError(log),
    contextFor(principal, purpose) {
      if (purpose === 'REQUEST') return requestContext(principal, parts);
      return { context: createContext({ ...parts, principal, read: store.read }), done() {} };
    },
  };
}

/** Lends the operation one view of the data until it is done with it. */
function requestContext(principal: Principal, parts: Parts): Promise<OperationContext> {
  return new Promise((resolve, reject) => {
    const lend = (read: Reader) =>
      new Promise<void>((done) => {
        resolve({ context: createContext({ ...parts, principal, read }), done });
      });
    parts.store.snapshot(lend).catch(reject);
  });
}
