/** `WS /graphql`: WebSockets, from the request to upgrade until nothing is left of them. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Authenticator } from '../../access/authenticator';
import { type ErrorCode, GatewayError, RateLimitedError } from '../../domain/errors';
import { clientAddress } from '../io/client-address';
import { MAX_JSON_DEPTH } from '../io/json-depth';
import { refuseUpgrade } from '../io/raw-response';
import type { CorsPolicy } from '../limits/cors';
import type { Monotonic } from '../limits/rate-limiter';
import type { LogRejection } from '../limits/rejection-log';
import { type MessageFault, screen } from './message-screen';
import { type Connection, createProtocol, type ProtocolOptions } from './protocol';
import { createRevalidation } from './revalidation';
import { CLOSE, createGuard, type GuardedSocket } from './socket';

export interface Subscriptions {
  /** Makes a WebSocket of a connection that asks to be one. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  openSockets(): number;
  /** Closes every connection with a code that makes the stock client come back, to whoever listens then. */
  close(): Promise<void>;
}

export interface SubscriptionsOptions extends ProtocolOptions {
  readonly authenticator: Pick<Authenticator, 'lapsed'>;
  readonly log: Logger;
  readonly origins: CorsPolicy;
  readonly trustedProxies: number;
  readonly logRejection: LogRejection;
  readonly now: Monotonic;
}

/** Close reasons: at most 123 bytes. */
const FAULTS: Readonly<Record<MessageFault, string>> = {
  MALFORMED: 'this is not a message of graphql-transport-ws',
  TOO_DEEP: `a message may be nested ${MAX_JSON_DEPTH} levels deep`,
  UNEXPECTED_TYPE: 'clients send connection_init, ping, pong, subscribe and complete',
  NOT_ACKNOWLEDGED: 'send connection_init and wait for connection_ack before subscribe',
};

/** After these the stock client is to try again; after 4500 it gives up. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['STORE_UNAVAILABLE', 'UNAVAILABLE']);

const NOTHING = () => {};

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { limits, log, observer, logRejection } = options;
  const revalidation = createRevalidation({ ...options, everyMs: limits.revalidateMs });
  const guard = createGuard({
    limits,
    log,
    onFailure,
    onSlowConsumer: observer.slowConsumer,
    now: options.now,
  });
  const protocol = createProtocol(options, revalidation.watch);
  const open = new Set<GuardedSocket>();
  let untidied = 0; // connections of which something is left
  let onTidy = NOTHING;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxMessageBytes,
    autoPong: false, // the guard answers, so that pongs to a client that does not read wait their turn
    clientTracking: false,
    allowSynchronousEvents: false, // one message a turn, the rest unread: many on one socket must not delay other clients
    perMessageDeflate: false, // the frames that many are sent are laid out beforehand
    handleProtocols,
  });

  function accept(webSocket: WebSocket, request: IncomingMessage, address: string): void {
    const { socket: wire, headers } = request;
    const socket = guard.watch(webSocket, wire);
    const { authorization } = headers;
    const connection: Connection = {
      socket,
      address,
      authorization,
      principal: null,
      unwatch: NOTHING,
      over: false,
      running: 0,
      ids: new Set(),
    };
    const screened = screen(
      socket,
      () => connection.principal !== null,
      (fault) => refuseMessage(connection, fault),
    );
    const closed = protocol.opened(screened, connection);
    open.add(socket);
    untidied += 1;
    webSocket.on('close', (code, reason) => {
      connection.over = true;
      connection.unwatch();
      open.delete(socket);
      closed(code, String(reason))
        .catch((err: unknown) => log.error({ err }, 'a WebSocket could not be tidied up'))
        .finally(() => {
          untidied -= 1;
          if (untidied === 0) onTidy();
        });
    });
  }

  /** Whoever connects can cause the first kind while the store or the key set is away: it must not fill the log. */
  function onFailure(err: unknown): { readonly code: number; readonly reason: string } {
    if (err instanceof GatewayError && PASSING.has(err.code)) {
      logRejection(
        { entryPoint: 'websocket', code: err.code },
        'a WebSocket message could not be handled',
      );
      return { code: CLOSE.tryAgainLater, reason: `${err.code}: come back later` };
    }
    log.error({ err }, 'a WebSocket message could not be handled');
    return { code: CLOSE.internalError, reason: 'something went wrong on our side' };
  }

  function refuseMessage({ socket, address }: Connection, fault: MessageFault): void {
    logRejection({ entryPoint: 'websocket', address, fault }, 'a WebSocket message was refused');
    const code = fault === 'NOT_ACKNOWLEDGED' ? CLOSE.unauthorized : CLOSE.badRequest;
    socket.close(code, FAULTS[fault]);
  }

  return {
    upgrade(request, socket, head) {
      if (!options.origins.mayConnect(request)) return refuseUpgrade(socket, strangeOrigin());
      if (open.size >= limits.maxConnections) return refuseUpgrade(socket, full());
      const address = clientAddress(request, options.trustedProxies);
      const leave = options.quotas.connect(address);
      if (leave === null) return refuseUpgrade(socket, new RateLimitedError(RETRY_AFTER_S));
      socket.once('close', leave);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        accept(webSocket, request, address);
      });
    },

    openSockets: () => open.size,

    async close() {
      revalidation.stop();
      guard.stop();
      for (const socket of open) socket.close(CLOSE.serviceRestart, 'Service Restart');
      if (untidied > 0) {
        await new Promise<void>((resolve) => {
          onTidy = resolve;
        });
      }
      sockets.close();
    },
  };
}

/** After which another WebSocket from an address that has too many is worth a try. */
const RETRY_AFTER_S = 30;

function strangeOrigin(): GatewayError {
  return new GatewayError('FORBIDDEN', 'this page may not connect: see ALLOWED_ORIGINS');
}

function full(): GatewayError {
  return new GatewayError('UNAVAILABLE', 'there are too many connections; come back later');
}
