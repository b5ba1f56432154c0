/** One port for HTTP and WebSocket: webhooks, GraphQL, health, metrics. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as TcpServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator';
import { GatewayError } from '../domain/errors';
import type { Store } from '../store/store';
import { type AdmissionOptions, createAdmission } from './admission';
import { createAuthentication } from './authentication';
import { createGraphQLRoute } from './graphql';
import type { GraphQLService } from './graphql-service';
import { healthRoutes } from './health';
import { DEFAULT_LIMITS, type HttpLimits, type SocketLimits } from './limits';
import { type Expose, metricsRoute } from './metrics';
import { type Observer, UNOBSERVED } from './observer';
import { createOrigins, type OriginsOptions } from './origins';
import { toProblem } from './problem';
import { createQuotas, type QuotaLimits, UNLIMITED } from './quotas';
import type { Monotonic } from './rate';
import { createRefusalLog } from './refusal-log';
import { refuseUpgrade } from './refuse-upgrade';
import { sendReply } from './reply';
import {
  findRoute,
  type Match,
  MethodNotAllowedError,
  NothingHereError,
  type Route,
} from './router';
import { createSubscriptions } from './subscriptions';
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
export interface Edge extends AdmissionOptions {
  readonly allowedOrigins: OriginsOptions['allowedOrigins'];
  readonly allowLocalOrigins: OriginsOptions['allowLocalOrigins'];
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
/** How often connections that have become idle are looked for while closing. */
const REAP_MS = 50;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { log, authenticator, expose, observer = UNOBSERVED } = options;
  const { now = () => performance.now() } = options;
  const limits = { ...DEFAULT_LIMITS.http, ...options.limits?.http };
  const edge = { ...OPEN_EDGE, ...options.edge };
  const { trustedProxies } = edge;
  const tellRefusal = createRefusalLog(log, now);
  const admission = createAdmission(edge, tellRefusal, now);
  const authentication = createAuthentication({ authenticator, observer, tellRefusal, now });
  const quotas = createQuotas({ ...UNLIMITED, ...options.limits?.quotas }, now);
  const origins = createOrigins({ ...edge, tellRefusal });
  const callers = { authentication, quotas, trustedProxies };
  const graphql = createGraphQLRoute({ ...options, ...callers, limits, observer, origins });
  const subscriptions = createSubscriptions({
    ...options,
    ...callers,
    observer,
    origins,
    tellRefusal,
    now,
    limits: { ...DEFAULT_LIMITS.sockets, ...options.limits?.sockets },
  });
  const routes = [
    webhookRoute({ ingest: options.ingest, admission, limits, observer }),
    graphql.route,
    ...healthRoutes(options.store, () => closing),
    ...(expose === undefined ? [] : [metricsRoute(callers, expose)]),
  ];
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void answer(request, response),
  );
  const underWay = new Set<ServerResponse>();
  let closing = false;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (closing) announceEnd(response);
    await handle(routes, request, response, log);
  }

  server.on('upgrade', (request, socket, head) => {
    const [path] = (request.url ?? '').split('?');
    if (closing) refuseUpgrade(socket, new GatewayError('UNAVAILABLE', 'the gateway stops'));
    else if (path !== graphql.route.path) refuseUpgrade(socket, new NothingHereError());
    else subscriptions.upgrade(request, socket, head);
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
      for (const response of underWay) announceEnd(response);
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
