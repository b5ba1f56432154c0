/** HTTP and WebSocket server on one port: webhooks, GraphQL, health and metrics. */

import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator';
import type { GraphQLService } from '../graphql/service';
import type { Store } from '../store/store';
import { createBodyReader } from './io/body-reader';
import { type ListenAddress, Listener } from './io/listener';
import { type Observer, UNOBSERVED } from './io/observer';
import { createAuthentication } from './limits/authentication';
import { createCorsPolicy } from './limits/cors';
import {
  type ClientAccess,
  DEFAULT_ACCESS,
  DEFAULT_LIMITS,
  type HttpLimits,
  type QuotaLimits,
  type SocketLimits,
  UNLIMITED_QUOTAS,
} from './limits/limits';
import { createQuotas } from './limits/quotas';
import type { Monotonic } from './limits/rate-limiter';
import { createRejectionLog } from './limits/rejection-log';
import { createWebhookGuard } from './limits/webhook-guard';
import { createGraphQLRoute } from './routes/graphql';
import { healthRoutes } from './routes/health';
import { type Expose, metricsRoute } from './routes/metrics';
import { type Ingest, type VerifyHead, webhookRoute } from './routes/webhooks';
import { WebSocketEndpoint } from './websocket/endpoint';

export interface HttpServerOptions extends ListenAddress {
  readonly ingest: Ingest;
  /** If absent, bodies are read before any verification. */
  readonly verifyHead?: VerifyHead;
  readonly graphql: GraphQLService;
  readonly authenticator: Authenticator;
  readonly store: Pick<Store, 'assertReady'>;
  readonly log: Logger;
  readonly observer?: Observer;
  /** If absent, there is no `/metrics`. */
  readonly expose?: Expose;
  readonly access?: Partial<ClientAccess>;
  readonly limits?: ServerLimits;
  /** Clock of rate limits and WebSocket pings. */
  readonly now?: Monotonic;
}

/** Limits that differ from the defaults. */
export interface ServerLimits {
  readonly http?: Partial<HttpLimits>;
  readonly sockets?: Partial<SocketLimits>;
  readonly quotas?: Partial<QuotaLimits>;
}

export interface HttpServer {
  /** Resolves when clients can connect. */
  listen(): Promise<ListenAddress>;
  /** Number of open WebSockets. */
  openSockets(): number;
  /**
   * Stops accepting, closes WebSockets so that clients reconnect elsewhere, and finishes requests in progress. Keep all
   * dependencies open until it resolves.
   */
  close(): Promise<void>;
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { log, authenticator, expose, observer = UNOBSERVED, verifyHead = () => {} } = options;
  const { now = () => performance.now() } = options;
  const limits = { ...DEFAULT_LIMITS.http, ...options.limits?.http };
  const access = { ...DEFAULT_ACCESS, ...options.access };
  const logRejection = createRejectionLog(log, now);
  const cors = createCorsPolicy({ ...access, logRejection });
  const shared = {
    trustedProxies: access.trustedProxies,
    authentication: createAuthentication({ authenticator, observer, logRejection, now }),
    quotas: createQuotas({ ...UNLIMITED_QUOTAS, ...options.limits?.quotas }, now),
    bodyReader: createBodyReader(limits),
    observer,
    cors,
  };
  const graphql = createGraphQLRoute({ ...options, ...shared, limits });
  const webSockets = new WebSocketEndpoint({
    ...options,
    ...shared,
    logRejection,
    now,
    limits: { ...DEFAULT_LIMITS.sockets, ...options.limits?.sockets },
  });
  const guard = createWebhookGuard(access, logRejection, now);
  const listener: Listener = new Listener({
    routes: [
      webhookRoute({ ...shared, ingest: options.ingest, verifyHead, guard, limits }),
      graphql.route,
      ...healthRoutes(options.store, () => listener.isClosing),
      ...(expose === undefined ? [] : [metricsRoute(shared, expose)]),
    ],
    limits,
    log,
    logRejection,
    webSocketPath: graphql.route.path,
    onWebSocket: (request, socket, head) => webSockets.upgrade(request, socket, head),
    closeWebSockets: () => webSockets.close(),
  });

  return {
    async listen() {
      await graphql.start();
      return listener.listen(options);
    },
    openSockets: () => webSockets.openSockets,
    async close() {
      await listener.close();
      await graphql.stop();
    },
  };
}
