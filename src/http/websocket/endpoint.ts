/**
 * `WS /graphql`: accepts WebSockets and releases their resources.
 *
 * States of a connection: opened (counted by network) → authenticated (`principal` is set, counted by caller) → closed
 * (operations are being ended) → released. `close` resolves when all connections are released.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, type Server as ProtocolServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Authenticator } from '../../access/authenticator';
import { type ErrorCode, GatewayError, RateLimitedError } from '../../domain/errors';
import { MAX_JSON_DEPTH } from '../io/json';
import { sendRawError } from '../io/raw-response';
import { clientAddress } from '../limits/client-address';
import type { Release } from '../limits/concurrency-limiter';
import type { CorsPolicy } from '../limits/cors';
import type { Monotonic } from '../limits/rate-limiter';
import type { LogRejection } from '../limits/rejection-log';
import { CLOSE, type CloseFrame, GuardedSocket, type GuardedSocketOptions } from './guarded-socket';
import { createKeepAlive, type KeepAlive } from './keep-alive';
import { filterMessages, type MessageFault } from './message-filter';
import { type Connection, createProtocol, type ProtocolOptions } from './protocol';
import { createRevalidation, type Revalidation } from './revalidation';

export interface WebSocketEndpointOptions extends ProtocolOptions {
  readonly authenticator: Pick<Authenticator, 'findInvalid'>;
  readonly log: Logger;
  readonly cors: CorsPolicy;
  readonly trustedProxies: number;
  readonly logRejection: LogRejection;
  readonly now: Monotonic;
}

/** Close reasons, at most 123 bytes. */
const FAULTS: Readonly<Record<MessageFault, string>> = {
  MALFORMED: 'Not a valid graphql-transport-ws message',
  TOO_DEEP: `A message may be nested at most ${MAX_JSON_DEPTH} levels deep`,
  UNEXPECTED_TYPE: 'Clients may send connection_init, ping, pong, subscribe and complete',
  NOT_ACKNOWLEDGED: 'Send connection_init and wait for connection_ack before subscribe',
};

/** Errors after which the standard client should reconnect. After 4500 it gives up. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set(['STORE_UNAVAILABLE', 'UNAVAILABLE']);
/** `Retry-After` for a network with too many WebSockets. */
const RETRY_AFTER_S = 30;

export class WebSocketEndpoint {
  readonly #options: WebSocketEndpointOptions;
  readonly #socketOptions: GuardedSocketOptions;
  readonly #revalidation: Revalidation;
  readonly #keepAlive: KeepAlive<GuardedSocket>;
  readonly #protocol: ProtocolServer<Connection>;
  readonly #server: WebSocketServer;
  readonly #open = new Set<GuardedSocket>();
  /** Connections that are not released. */
  #unreleased = 0;
  #onAllReleased = () => {};

  constructor(options: WebSocketEndpointOptions) {
    const { limits, log, observer, now } = options;
    this.#options = options;
    this.#socketOptions = {
      limits,
      log,
      now,
      toCloseFrame: (error) => this.#toCloseFrame(error),
      onSlowConsumer: observer.slowConsumer,
    };
    this.#revalidation = createRevalidation({ ...options, intervalMs: limits.revalidateMs });
    this.#keepAlive = createKeepAlive(limits.keepAliveMs, now);
    this.#protocol = createProtocol(options, this.#revalidation.watch);
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: limits.maxMessageBytes,
      autoPong: false, // the guarded socket answers, so that pongs count as pending writes
      clientTracking: false,
      allowSynchronousEvents: false, // one message per turn: many on one socket must not delay other clients
      perMessageDeflate: false, // shared frames are encoded in advance
      handleProtocols,
    });
  }

  get openSockets(): number {
    return this.#open.size;
  }

  /** Accepts a WebSocket, or responds with an error. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = clientAddress(request, this.#options.trustedProxies);
    const release = this.#acquire(request, address);
    if (release instanceof GatewayError) {
      sendRawError(socket, release);
      return;
    }
    socket.once('close', release);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#accept(webSocket, request, address);
    });
  }

  /** Closes all connections with a code after which the standard client reconnects. Resolves when all are released. */
  async close(): Promise<void> {
    this.#revalidation.stop();
    this.#keepAlive.stop();
    for (const socket of this.#open) socket.close(CLOSE.serviceRestart, 'Service Restart');
    if (this.#unreleased > 0) {
      await new Promise<void>((resolve) => {
        this.#onAllReleased = resolve;
      });
    }
    this.#server.close();
  }

  /** Checks origin and limits. */
  #acquire(request: IncomingMessage, address: string): Release | GatewayError {
    const { cors, limits, quotas } = this.#options;
    if (!cors.mayConnect(request)) return disallowedOrigin();
    if (this.#open.size >= limits.maxConnections) return tooManyWebSockets();
    return quotas.acquireConnection(address) ?? new RateLimitedError(RETRY_AFTER_S);
  }

  #accept(webSocket: WebSocket, request: IncomingMessage, address: string): void {
    const { authorization } = request.headers;
    const socket = new GuardedSocket(this.#socketOptions, webSocket, request.socket);
    const connection: Connection = {
      socket,
      address,
      authorization,
      principal: null,
      onClosed: () => {},
      closed: false,
      running: 0,
      ids: new Set(),
    };
    const filtered = filterMessages(
      socket,
      () => connection.principal !== null,
      (fault) => this.#rejectMessage(connection, fault),
    );
    const endOperations = this.#protocol.opened(filtered, connection);
    this.#open.add(socket);
    this.#keepAlive.add(socket);
    this.#unreleased += 1;
    webSocket.on('close', (code, reason) => {
      connection.closed = true;
      connection.onClosed();
      this.#open.delete(socket);
      this.#keepAlive.delete(socket);
      void this.#release(endOperations(code, String(reason)));
    });
  }

  async #release(ended: Promise<void>): Promise<void> {
    try {
      await ended;
    } catch (err) {
      this.#options.log.error({ err }, 'failed to release WebSocket');
    } finally {
      this.#unreleased -= 1;
      if (this.#unreleased === 0) this.#onAllReleased();
    }
  }

  /** Any client can cause transient errors during an outage, so their log lines are rate-limited. */
  #toCloseFrame(err: unknown): CloseFrame {
    const { log, logRejection } = this.#options;
    const message = 'failed to handle WebSocket message';
    if (err instanceof GatewayError && TRANSIENT.has(err.code)) {
      logRejection({ entryPoint: 'websocket', code: err.code }, message);
      return { code: CLOSE.tryAgainLater, reason: `${err.code}: try again later` };
    }
    log.error({ err }, message);
    return { code: CLOSE.internalError, reason: 'Internal error' };
  }

  #rejectMessage({ socket, address }: Connection, fault: MessageFault): void {
    const { logRejection } = this.#options;
    logRejection({ entryPoint: 'websocket', address, fault }, 'rejected WebSocket message');
    const code = fault === 'NOT_ACKNOWLEDGED' ? CLOSE.unauthorized : CLOSE.badRequest;
    socket.close(code, FAULTS[fault]);
  }
}

function disallowedOrigin(): GatewayError {
  return new GatewayError(
    'FORBIDDEN',
    'Pages of this origin may not connect. Add the origin to ALLOWED_ORIGINS.',
  );
}

function tooManyWebSockets(): GatewayError {
  return new GatewayError(
    'UNAVAILABLE',
    'Too many WebSockets are open. Connect again after the `Retry-After` interval.',
  );
}
