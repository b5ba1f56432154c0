/** One port for HTTP and WebSocket: webhooks, GraphQL, health. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator';
import type { Store } from '../store/store';
import { createGraphQLRoute } from './graphql';
import type { GraphQLService } from './graphql-service';
import { healthRoutes } from './health';
import { DEFAULT_LIMITS, type HttpLimits, type SocketLimits } from './limits';
import { toProblem } from './problem';
import { sendReply } from './reply';
import { findRoute, type Match, MethodNotAllowedError, type Route } from './router';
import { createSubscriptions, refuse } from './subscriptions';
import { type Ingest, webhookRoute } from './webhooks';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly ingest: Ingest;
  readonly graphql: GraphQLService;
  readonly authenticator: Authenticator;
  readonly store: Pick<Store, 'assertReady'>;
  readonly log: Logger;
  readonly limits?: {
    readonly http?: Partial<HttpLimits>;
    readonly sockets?: Partial<SocketLimits>;
  };
}

export interface HttpServer {
  /** Resolves when clients can connect. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /**
   * Stops accepting, closes WebSockets so that clients come back, and lets requests under way finish. Everything that
   * they need must stay open until this resolves.
   */
  close(): Promise<void>;
}

/** How often connections that have become idle are looked for while closing. */
const REAP_MS = 50;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { log } = options;
  const limits = { ...DEFAULT_LIMITS.http, ...options.limits?.http };
  const graphql = createGraphQLRoute({ ...options, limits });
  const subscriptions = createSubscriptions({
    ...options,
    limits: { ...DEFAULT_LIMITS.sockets, ...options.limits?.sockets },
  });
  const routes = [
    webhookRoute(options.ingest, limits),
    graphql.route,
    ...healthRoutes(options.store),
  ];
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void handle(routes, request, response, log),
  );
  let closing = false;

  server.on('upgrade', (request, socket, head) => {
    const [path] = (request.url ?? '').split('?');
    if (closing) refuse(socket, '503 Service Unavailable');
    else if (path !== graphql.route.path) refuse(socket, '404 Not Found');
    else subscriptions.upgrade(request, socket, head);
  });

  return {
    async listen() {
      await graphql.start();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return addressOf(server.address());
    },

    async close() {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const reaping = setInterval(() => server.closeIdleConnections(), REAP_MS);
      const patience = setTimeout(() => server.closeAllConnections(), limits.drainMs);
      await Promise.all([closed, subscriptions.close()]);
      clearInterval(reaping);
      clearTimeout(patience);
      await graphql.stop();
    },
  };
}

/** Never rejects. Logs the route, not the path: one vendor's secret is a part of it. */
async function handle(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): Promise<void> {
  const startedAt = performance.now();
  let match: Match | undefined;
  try {
    match = findRoute(routes, request.method ?? 'GET', request.url ?? '/');
    await match.handler({ ...match, request, response });
  } catch (error) {
    const reply = toProblem(error, log);
    const allow = error instanceof MethodNotAllowedError ? { allow: error.allowed } : {};
    sendReply(request, response, { ...reply, headers: { ...reply.headers, ...allow } });
  }
  const durationMs = Math.round(performance.now() - startedAt);
  const { method } = request;
  log.debug(
    { method, route: match?.route.path, status: response.statusCode, durationMs },
    'answered',
  );
}

function addressOf(address: AddressInfo | string | null): { host: string; port: number } {
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return { host: address.address, port: address.port };
}
