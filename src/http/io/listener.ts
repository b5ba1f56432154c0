/**
 * HTTP/1.1 server on one TCP port.
 *
 * States:
 *
 * - `LISTENING`: serves requests and WebSockets.
 * - `DRAINING`, after `close`: still accepts connections and serves requests, so that clients and load balancers that have not
 *   noticed yet do not fail. Every response has `Connection: close`. WebSockets are rejected. Ends when no connection is left,
 *   at the latest after `lastRequestMs`.
 * - `CLOSING`: accepts no connections. Finishes requests in progress and closes idle connections. After `drainMs` since `close`,
 *   closes all connections.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { GatewayError, InvariantError } from '../../domain/errors';
import type { HttpLimits } from '../limits/limits';
import type { LogRejection } from '../limits/rejection-log';
import { type Connections, trackConnections } from './connections';
import { toProblem } from './problem';
import { endWithFin, sendRawError } from './raw-response';
import { sendResponse } from './response';
import { findRoute, type Match, MethodNotAllowedError, type Route, toOriginForm } from './router';
import { toUnreadable } from './unreadable-request';
import { chooseWebSocket, serveWithoutUpgrade } from './upgrade';

export interface ListenerOptions {
  readonly routes: readonly Route[];
  readonly limits: HttpLimits;
  readonly log: Logger;
  readonly logRejection: LogRejection;
  /** Path that accepts WebSockets. */
  readonly webSocketPath: string;
  onWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes the WebSockets. Called when the listener starts to close. */
  closeWebSockets(): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
}

/**
 * Connections that may wait to be accepted, if the system allows as many. With Node's default of 511, some of a thousand
 * simultaneous connections were reset while the processor was busy.
 */
const BACKLOG = 4096;
/** Value of `Allow` in the response to a request without a resource, such as CONNECT. */
const METHODS = 'GET, HEAD, POST, OPTIONS';
/** Interval of the checks for idle connections while closing. */
const IDLE_CHECK_MS = 50;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #connections: Connections;
  /** Sockets with a request that could not be parsed. */
  readonly #unreadable = new WeakSet<Duplex>();
  #closing = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { limits, logRejection } = options;
    this.#server = createServer(
      {
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveMs,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => void this.#onRequest(request, response),
    );
    this.#server.maxHeadersCount = 0; // their size is limited; dropping some could hide a relevant one
    this.#server.maxConnections = limits.maxTcpConnections;
    this.#connections = trackConnections(this.#server);
    this.#server
      .on('drop', () => logRejection({ limit: limits.maxTcpConnections }, 'too many connections'))
      .on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head))
      .on('connect', (_, socket) => this.#onConnect(socket))
      .on('clientError', (error, socket) => this.#onClientError(error, socket));
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  /** Resolves when clients can connect. */
  async listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return toListenAddress(server.address());
  }

  /** Resolves when all connections are closed. */
  async close(): Promise<void> {
    const { limits, closeWebSockets } = this.#options;
    this.#closing = true;
    for (const response of this.#connections.pendingResponses()) announceClose(response);
    const deadline = setTimeout(() => this.#server.closeAllConnections(), limits.drainMs);
    await Promise.all([closeWebSockets(), this.#waitUntilUnused(limits.lastRequestMs)]);
    await nextTurn(); // accept connections made just now: closing would cut off their first request
    await this.#closeIdle(stopListening(this.#server));
    clearTimeout(deadline);
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#connections.add(request, response);
    if (this.#closing) announceClose(response);
    toOriginForm(request);
    await this.#handle(request, response);
  }

  /** Never rejects. Logs the route, not the path: PayCaddy's secret may be part of the path. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { routes, log } = this.#options;
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
      'sent response',
    );
  }

  /** Waits for the responses to earlier requests on the connection, which are still written to the socket. */
  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = () => {};
    socket.on('error', onError); // Node.js no longer listens, and the client may disconnect
    this.#connections.whenResponded(socket, () => {
      socket.off('error', onError);
      this.#upgrade(request, socket, head);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { webSocketPath, onWebSocket } = this.#options;
    toOriginForm(request);
    const [path] = (request.url ?? '').split('?');
    const isWebSocket = path === webSocketPath && chooseWebSocket(request);
    if (!isWebSocket) serveWithoutUpgrade(this.#server, request, socket, head);
    else if (this.#closing) sendRawError(socket, stopping());
    else onWebSocket(request, socket, head);
  }

  #onConnect(socket: Duplex): void {
    socket.on('error', () => {});
    this.#connections.whenResponded(socket, () =>
      sendRawError(socket, new MethodNotAllowedError(METHODS)),
    );
  }

  #onClientError(error: Error, socket: Duplex): void {
    if (this.#unreadable.has(socket)) return; // each further segment causes another error
    this.#unreadable.add(socket);
    const wasBusy = this.#connections.isBusy(socket);
    this.#connections.whenResponded(socket, (unfinished) => {
      const responded = unfinished === undefined ? wasBusy : unfinished.headersSent;
      if (responded) endWithFin(socket);
      else sendRawError(socket, toUnreadable(error, this.#options.routes));
    });
  }

  async #waitUntilUnused(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (performance.now() < endsAt && (await countConnections(this.#server)) > 0) {
      await sleep(IDLE_CHECK_MS);
    }
  }

  async #closeIdle(closed: Promise<void>): Promise<void> {
    const timer = setInterval(() => this.#server.closeIdleConnections(), IDLE_CHECK_MS);
    this.#server.closeIdleConnections();
    await closed;
    clearInterval(timer);
  }
}

/** The client then sends its next request on a new connection. */
function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

/** Resolves when the last connection is closed. `http.Server.close` also closes idle connections, with requests in transit. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    TcpServer.prototype.close.call(server, () => resolve());
  });
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error === null ? count : 0));
  });
}

function stopping(): GatewayError {
  return new GatewayError(
    'UNAVAILABLE',
    'The gateway is stopping. Connect again after the `Retry-After` interval.',
  );
}

function toListenAddress(address: AddressInfo | string | null): ListenAddress {
  if (address === null || typeof address === 'string')
    throw new InvariantError('Server has no TCP address');
  return { host: address.address, port: address.port };
}
