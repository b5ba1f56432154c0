/** One port for HTTP and WebSocket: webhooks, GraphQL, health, metrics. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator';
import { GatewayError, InvariantError } from '../domain/errors';
import type { GraphQLService } from '../graphql/service';
import type { Store } from '../store/store';
import { createBodies } from './io/body';
import { trackConnections } from './io/connections';
import { toProblem } from './io/problem';
import { endWithFin, refuseUpgrade } from './io/raw-response';
import { toOriginForm } from './io/request-target';
import { sendResponse } from './io/response';
import { findRoute, type Match, MethodNotAllowedError, type Route } from './io/router';
import { toUnreadable } from './io/unreadable-request';
import { createAuthentication } from './limits/authentication';
import { type CorsOptions, createCorsPolicy } from './limits/cors';
import { DEFAULT_LIMITS, type HttpLimits, type SocketLimits } from './limits/limits';
import { createQuotas, type QuotaLimits, UNLIMITED } from './limits/quotas';
import type { Monotonic } from './limits/rate-limiter';
import { createRejectionLog } from './limits/rejection-log';
import { createWebhookGuard, type WebhookGuardOptions } from './limits/webhook-guard';
import { type Observer, UNOBSERVED } from './observer';
import { createGraphQLRoute } from './routes/graphql';
import { healthRoutes } from './routes/health';
import { type Expose, metricsRoute } from './routes/metrics';
import { type Ingest, type VerifyHead, webhookRoute } from './routes/webhooks';
import { createSubscriptions } from './websocket/endpoint';
import { chooseWebSocket, serveWithoutUpgrade } from './websocket/upgrade';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly ingest: Ingest;
  /** Absent: every body is read before its proof is verified. */
  readonly verifyHead?: VerifyHead;
  readonly graphql: GraphQLService;
  readonly authenticator: Authenticator;
  readonly store: Pick<Store, 'assertReady'>;
  readonly log: Logger;
  readonly observer?: Observer;
  /** Without it there is no `/metrics`. */
  readonly expose?: Expose;
  readonly edge?: Partial<Edge>;
  readonly limits?: ServerLimits;
  /** By which it is measured what clients do in a second, and when to ask them whether they are there. */
  readonly now?: Monotonic;
}

/** Those that are other than usual. */
export interface ServerLimits {
  readonly http?: Partial<HttpLimits>;
  readonly sockets?: Partial<SocketLimits>;
  readonly quotas?: Partial<QuotaLimits>;
}

export interface HttpServer {
  /** Resolves when clients can connect. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** How many WebSockets are open. */
  openSockets(): number;
  /**
   * Stops accepting, closes WebSockets so that clients come back, and lets requests under way finish. Everything that
   * they need must stay open until this resolves.
   */
  close(): Promise<void>;
}

/** Whom to let in. */
export interface Edge extends WebhookGuardOptions {
  /** Proxies in front, each of which adds to `X-Forwarded-For`. */
  readonly trustedProxies: number;
  readonly allowedOrigins: CorsOptions['allowedOrigins'];
  readonly allowLocalOrigins: CorsOptions['allowLocalOrigins'];
}

const OPEN_EDGE: Edge = {
  allowedOrigins: [],
  allowLocalOrigins: false,
  trustedProxies: 0,
  webhooksPerSecond: 1_000_000,
  webhookAddresses: {},
};

/**
 * Connections that may wait to be let in, where the system allows as many. With Node's 511, some of a thousand that came at once
 * were reset while the processor was busy.
 */
const BACKLOG = 4096;
/** For the `Allow` header of an answer to a request that names no resource. */
const METHODS = 'GET, HEAD, POST, OPTIONS';
/** How often connections that have become idle are looked for while closing. */
const REAP_MS = 50;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { log, authenticator, expose, observer = UNOBSERVED, verifyHead = () => {} } = options;
  const { now = () => performance.now() } = options;
  const limits = { ...DEFAULT_LIMITS.http, ...options.limits?.http };
  const edge = { ...OPEN_EDGE, ...options.edge };
  const { trustedProxies } = edge;
  const logRejection = createRejectionLog(log, now);
  const webhookGuard = createWebhookGuard(edge, logRejection, now);
  const authentication = createAuthentication({ authenticator, observer, logRejection, now });
  const quotas = createQuotas({ ...UNLIMITED, ...options.limits?.quotas }, now);
  const origins = createCorsPolicy({ ...edge, logRejection });
  const bodies = createBodies(limits);
  const callers = { authentication, quotas, trustedProxies, bodies };
  const graphql = createGraphQLRoute({ ...options, ...callers, limits, observer, origins });
  const subscriptions = createSubscriptions({
    ...options,
    ...callers,
    observer,
    origins,
    logRejection,
    now,
    limits: { ...DEFAULT_LIMITS.sockets, ...options.limits?.sockets },
  });
  const routes = [
    webhookRoute({
      ...callers,
      ingest: options.ingest,
      verifyHead,
      guard: webhookGuard,
      limits,
      observer,
    }),
    graphql.route,
    ...healthRoutes(options.store, () => closing),
    ...(expose === undefined ? [] : [metricsRoute(callers, expose)]),
  ];
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void answer(request, response),
  );
  server.maxHeadersCount = 0; // their bytes are limited; leaving out some would hide one that counts
  server.maxConnections = limits.maxTcpConnections;
  server.on('drop', () =>
    logRejection({ limit: limits.maxTcpConnections }, 'too many connections'),
  );
  const connections = trackConnections(server);
  const unreadable = new WeakSet<Duplex>();
  let closing = false;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    connections.begin(request, response);
    if (closing) announceEnd(response);
    toOriginForm(request);
    await handle(routes, request, response, log);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    toOriginForm(request);
    const [path] = (request.url ?? '').split('?');
    const follows = path === graphql.route.path && chooseWebSocket(request);
    if (!follows) serveWithoutUpgrade(server, request, socket, head);
    else if (closing) refuseUpgrade(socket, new GatewayError('UNAVAILABLE', 'the gateway stops'));
    else subscriptions.upgrade(request, socket, head);
  }

  // Until the responses to earlier requests on the connection are finished, the socket is theirs.
  server.on('upgrade', (request, socket, head) => {
    const onError = () => {};
    socket.on('error', onError); // Node.js listens no more, and the client may be gone
    connections.whenAnswered(socket, () => {
      socket.off('error', onError);
      upgrade(request, socket, head);
    });
  });

  server.on('connect', (_, socket) => {
    socket.on('error', () => {});
    connections.whenAnswered(socket, () =>
      refuseUpgrade(socket, new MethodNotAllowedError(METHODS)),
    );
  });

  server.on('clientError', (error, socket) => {
    if (unreadable.has(socket)) return; // each further segment that comes is an error, too
    unreadable.add(socket);
    const wasBusy = connections.isBusy(socket);
    connections.whenAnswered(socket, (unfinished) => {
      const answered = unfinished === undefined ? wasBusy : unfinished.headersSent;
      if (answered) endWithFin(socket);
      else refuseUpgrade(socket, toUnreadable(error, routes));
    });
  });

  return {
    async listen() {
      await graphql.start();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return addressOf(server.address());
    },

    openSockets: () => subscriptions.openSockets(),

    async close() {
      closing = true;
      for (const response of connections.underWay()) announceEnd(response);
      const patience = setTimeout(() => server.closeAllConnections(), limits.drainMs);
      await Promise.all([subscriptions.close(), untilQuiet(server, limits.lastRequestMs)]);
      await nextTurn(); // who has just connected is let in: closing would cut off the request that comes with it
      await closeIdle(server, stopListening(server));
      clearTimeout(patience);
      await graphql.stop();
    },
  };
}

/** A client that knows sends its next request elsewhere, not into a connection that is being closed. */
function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

/** Resolves when the last connection is closed. Node's own way closes idle ones at once, whatever is on its way to us. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    TcpServer.prototype.close.call(server, () => resolve());
  });
}

/** Balancers that ask `/readyz`, and clients that have been told so, go elsewhere meanwhile. */
async function untilQuiet(server: Server, patienceMs: number): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  while (performance.now() < endsAt && (await countConnections(server)) > 0) await sleep(REAP_MS);
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error === null ? count : 0));
  });
}

async function closeIdle(server: Server, closed: Promise<void>): Promise<void> {
  const reaping = setInterval(() => server.closeIdleConnections(), REAP_MS);
  server.closeIdleConnections();
  await closed;
  clearInterval(reaping);
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
    sendResponse(request, response, toProblem(error, log));
  }
  const durationMs = Math.round(performance.now() - startedAt);
  const { method } = request;
  log.debug(
    { method, route: match?.route.path, status: response.statusCode, durationMs },
    'answered',
  );
}

function addressOf(address: AddressInfo | string | null): { host: string; port: number } {
  if (address === null || typeof address === 'string')
    throw new InvariantError('Server has no TCP address');
  return { host: address.address, port: address.port };
}
