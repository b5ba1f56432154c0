/** `WS /graphql`: the `graphql-transport-ws` protocol, for clients with valid credentials. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import { type Context, handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Authenticator } from '../access/authenticator';
import type { Principal } from '../access/principal';
import { GatewayError } from '../domain/errors';
import { credentialsOf } from './connection-credentials';
import type { GraphQLService } from './graphql-service';
import type { SocketLimits } from './limits';
import { createOperations } from './operations';
import { createRevalidation } from './revalidation';
import { CLOSE, createGuard, type GuardedSocket } from './socket';

export interface Subscriptions {
  /** Makes a WebSocket of a connection that asks to be one. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every connection with a code that makes the stock client come back, to whoever listens then. */
  close(): Promise<void>;
}

export interface SubscriptionsOptions {
  readonly graphql: GraphQLService;
  readonly authenticator: Authenticator;
  readonly limits: SocketLimits;
  readonly log: Logger;
}

/** One connection: what graphql-ws hands to each callback as `extra`. */
interface Connection {
  readonly socket: GuardedSocket;
  /** The header of the upgrade request; forgotten once it was looked at. */
  authorization: string | undefined;
  /** `null` until the client has shown its credentials. */
  principal: Principal | null;
  unwatch: () => void;
  /** It may end while its credentials are looked up. */
  over: boolean;
}

type Parameters = Record<string, unknown> | undefined;

const NOTHING = () => {};

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { limits, log } = options;
  const revalidation = createRevalidation({ ...options, everyMs: limits.revalidateMs });
  const guard = createGuard({ limits, log, closeCodeOf });
  const protocol = createProtocol(options, revalidation.watch);
  const open = new Set<GuardedSocket>();
  let untidied = 0; // connections of which something is left
  let onTidy = NOTHING;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxMessageBytes,
    autoPong: false, // the guard answers, so that pongs to a client that does not read wait their turn
    clientTracking: false,
    perMessageDeflate: false, // the frames that many are sent are laid out beforehand
    handleProtocols,
  });

  function accept(webSocket: WebSocket, { socket: wire, headers }: IncomingMessage): void {
    const socket = guard.watch(webSocket, wire);
    const { authorization } = headers;
    const connection: Connection = {
      socket,
      authorization,
      principal: null,
      unwatch: NOTHING,
      over: false,
    };
    const closed = protocol.opened(socket, connection);
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

  return {
    upgrade(request, socket, head) {
      if (open.size >= limits.maxConnections) return refuse(socket, '503 Service Unavailable');
      sockets.handleUpgrade(request, socket, head, accept);
    },

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

/** Answers a request to upgrade that we do not follow. @param status - Code and phrase. */
export function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => {}); // the client may be gone already, and nobody else listens
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function createProtocol(
  { graphql, authenticator, limits }: SubscriptionsOptions,
  watch: (principal: Principal, onLapse: () => void) => () => void,
) {
  const operations = createOperations(graphql);

  return makeServer<Parameters, Connection>({
    connectionInitWaitTimeout: limits.initTimeoutMs,

    async onConnect({ connectionParams, extra }) {
      const credentials = credentialsOf(connectionParams, extra.authorization);
      extra.authorization = undefined;
      const principal = await authenticate(authenticator, credentials);
      if (principal === null) return false; // closes 4403
      if (extra.over) return false;
      extra.principal = principal;
      extra.unwatch = watch(principal, () => extra.socket.close(CLOSE.forbidden, 'Forbidden'));
      return true;
    },

    async onSubscribe(context, id, payload) {
      const { principal, socket } = context.extra;
      if (principal === null) throw new Error('expected credentials before the first operation');
      if (exceeds(context, limits)) return [tooManySubscriptions(limits)];
      const quotedId = JSON.stringify(id);
      return operations.prepare(payload, principal, (frames) =>
        socket.push(frames.map((frame) => frame.bytesFor(quotedId))),
      );
    },

    execute: operations.execute,
    subscribe: operations.streamOf,

    onNext: (_context, _id, _payload, _args, result) => operations.toPayload(result),
    onError: (_context, _id, _payload, errors) => errors.map(graphql.formatError),
  });
}

/** `null` if the credentials are bad. Whatever else goes wrong is not the client's fault and is thrown. */
async function authenticate(
  authenticator: Authenticator,
  credentials: string | undefined,
): Promise<Principal | null> {
  try {
    return await authenticator.authenticate(credentials);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'UNAUTHENTICATED') return null;
    throw error;
  }
}

/** The operation that is about to start is counted already. */
function exceeds(
  { subscriptions }: Context<Parameters, Connection>,
  limits: SocketLimits,
): boolean {
  return Object.keys(subscriptions).length > limits.maxSubscriptionsPerConnection;
}

function tooManySubscriptions({ maxSubscriptionsPerConnection: max }: SocketLimits): GraphQLError {
  return new GraphQLError(`expected at most ${max} operations at a time on one connection`, {
    extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' },
  });
}

/** The store being away passes; the stock client tries again after the one and gives up after the other. */
function closeCodeOf(error: unknown): number {
  const passing = error instanceof GatewayError && error.code === 'STORE_UNAVAILABLE';
  return passing ? CLOSE.tryAgainLater : CLOSE.internalError;
}
