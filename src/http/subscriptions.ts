/** `WS /graphql`: the `graphql-transport-ws` protocol, for clients with valid credentials. */

import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type Context, handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Authenticator } from '../access/authenticator';
import type { Principal } from '../access/principal';
import { GatewayError, RateLimitedError } from '../domain/errors';
import type { Authentication } from './authentication';
import { clientAddress } from './client-address';
import { credentialsOf } from './connection-credentials';
import type { Frame } from './frame';
import type { GraphQLService } from './graphql-service';
import type { SocketLimits } from './limits';
import type { Observer } from './observer';
import { createOperations, type Stream } from './operations';
import type { Origins } from './origins';
import { problemOf, statusOf } from './problem';
import { type Quotas, TooManyOperationsError } from './quotas';
import type { Monotonic } from './rate';
import { createRevalidation } from './revalidation';
import type { Leave } from './seats';
import { CLOSE, createGuard, type GuardedSocket } from './socket';

export interface Subscriptions {
  /** Makes a WebSocket of a connection that asks to be one. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  openSockets(): number;
  /** Closes every connection with a code that makes the stock client come back, to whoever listens then. */
  close(): Promise<void>;
}

export interface SubscriptionsOptions {
  readonly graphql: GraphQLService;
  readonly authenticator: Pick<Authenticator, 'lapsed'>;
  readonly authentication: Authentication;
  readonly quotas: Quotas;
  readonly limits: SocketLimits;
  readonly log: Logger;
  readonly observer: Observer;
  readonly origins: Origins;
  readonly trustedProxies: number;
  readonly now: Monotonic;
}

/** One connection: what graphql-ws hands to each callback as `extra`. */
interface Connection {
  readonly socket: GuardedSocket;
  readonly address: string;
  /** The header of the upgrade request; forgotten once it was looked at. */
  authorization: string | undefined;
  /** `null` until the client has shown its credentials. */
  principal: Principal | null;
  unwatch: () => void;
  /** It may end while its credentials are looked up. */
  over: boolean;
  /** Operations that are prepared or executed, also those that the client has completed meanwhile. */
  running: number;
}

type Parameters = Record<string, unknown> | undefined;

const NOTHING = () => {};

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { limits, log, observer } = options;
  const revalidation = createRevalidation({ ...options, everyMs: limits.revalidateMs });
  const guard = createGuard({
    limits,
    log,
    closeCodeOf,
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
      if (!options.origins.mayConnect(request)) return refuse(socket, strangeOrigin());
      if (open.size >= limits.maxConnections) return refuse(socket, full());
      const address = clientAddress(request, options.trustedProxies);
      const leave = options.quotas.connect(address);
      if (leave === null) return refuse(socket, new RateLimitedError(RETRY_AFTER_S));
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

/** Answers a request to upgrade that we do not follow. */
export function refuse(socket: Duplex, error: GatewayError): void {
  const { status, headers } = statusOf(error);
  const body = problemOf(error);
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => {}); // the client may be gone already, and nobody else listens
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

/** After which another WebSocket from an address that has too many is worth a try. */
const RETRY_AFTER_S = 30;

function strangeOrigin(): GatewayError {
  return new GatewayError('FORBIDDEN', 'this page may not connect: see ALLOWED_ORIGINS');
}

function full(): GatewayError {
  return new GatewayError('UNAVAILABLE', 'there are too many connections; come back later');
}

function createProtocol(
  { graphql, authentication, quotas, limits, observer }: SubscriptionsOptions,
  watch: (principal: Principal, onLapse: () => void) => () => void,
) {
  const operations = createOperations(graphql);
  const owners = new WeakMap<ExecutionArgs, Owner>();

  function ownerOf(args: ExecutionArgs): Owner {
    const owner = owners.get(args);
    if (owner === undefined) throw new Error('expected an operation that was prepared');
    return owner;
  }

  return makeServer<Parameters, Connection>({
    connectionInitWaitTimeout: limits.initTimeoutMs,

    async onConnect(context) {
      const { connectionParams, extra } = context;
      const credentials = credentialsOf(connectionParams, extra.authorization);
      extra.authorization = undefined;
      const principal = await authenticate(authentication, credentials, extra);
      if (principal === null) return false; // closes 4403
      if (extra.over) return false;
      const leave = quotas.enter(principal);
      if (leave === null) {
        extra.socket.close(CLOSE.tryAgainLater, 'TOO_MANY_CONNECTIONS');
        return false;
      }
      extra.principal = principal;
      const unwatch = watch(principal, () => extra.socket.close(CLOSE.forbidden, 'Forbidden'));
      extra.unwatch = () => {
        unwatch();
        leave();
      };
      return true;
    },

    async onSubscribe(context, id, payload) {
      const { extra } = context;
      const { principal, socket, address } = extra;
      if (principal === null) throw new Error('expected credentials before the first operation');
      const most = limits.maxSubscriptionsPerConnection;
      if (exceeds(context, limits) || extra.running >= most) {
        return [toGraphQLError(new TooManyOperationsError(most))];
      }
      const leave = begin(quotas, principal, address);
      if (leave instanceof GraphQLError) return [leave];
      const quotedId = JSON.stringify(id);
      const push = (frames: readonly Frame[]) =>
        socket.push(frames.map((frame) => frame.bytesFor(quotedId)));
      const preparing = operations.prepare(payload, principal, push);
      const args = await whileRunning(extra, preparing, leave);
      if ('length' in args) leave();
      else owners.set(args, { connection: extra, leave });
      return args;
    },

    execute(args) {
      const { connection, leave } = ownerOf(args);
      return whileRunning(connection, operations.execute(args)).finally(leave);
    },
    subscribe(args) {
      observer.operation('websocket', 'OK');
      return leaving(operations.streamOf(args), ownerOf(args).leave);
    },

    onNext(_context, _id, _payload, args, result) {
      const payload = operations.toPayload(result);
      if (!operations.isSubscription(args)) {
        observer.operation('websocket', payload.errors ? codeOf(payload.errors) : 'OK');
      }
      return payload;
    },
    onError(_context, _id, _payload, errors) {
      const formatted = errors.map(graphql.formatError);
      observer.operation('websocket', codeOf(formatted));
      return formatted;
    },
  });
}

/** Of an operation that was let through. */
interface Owner {
  readonly connection: Connection;
  readonly leave: Leave;
}

/** @param onFailure - Called where the work fails. */
async function whileRunning<T>(
  connection: Connection,
  work: Promise<T>,
  onFailure = NOTHING,
): Promise<T> {
  connection.running += 1;
  try {
    return await work;
  } catch (error) {
    onFailure();
    throw error;
  } finally {
    connection.running -= 1;
  }
}

/** The stream, whose end, whoever brings it about, calls `leave`. */
function leaving(stream: Stream, leave: Leave): Stream {
  return {
    async next() {
      try {
        const item = await stream.next();
        if (item.done) leave();
        return item;
      } catch (error) {
        leave();
        throw error;
      }
    },
    return() {
      leave();
      return stream.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What gives the place of the operation back, or why it has none. */
function begin(quotas: Quotas, principal: Principal, address: string): Leave | GraphQLError {
  try {
    return quotas.begin(principal, address);
  } catch (error) {
    return toGraphQLError(error);
  }
}

function toGraphQLError(error: unknown): GraphQLError {
  if (!(error instanceof GatewayError)) throw error;
  return new GraphQLError(error.message, { originalError: error });
}

function codeOf([first]: readonly GraphQLFormattedError[]): string {
  return String(first?.extensions?.code);
}

/** `null` if the credentials are bad. Whatever else goes wrong is not the client's fault and is thrown. */
async function authenticate(
  authentication: Authentication,
  credentials: string | undefined,
  { address, socket }: Connection,
): Promise<Principal | null> {
  try {
    return await authentication.authenticate(credentials, address, 'websocket');
  } catch (error) {
    if (error instanceof RateLimitedError) {
      socket.close(CLOSE.tooManyInitialisations, 'RATE_LIMITED: too many bad credentials');
      return null;
    }
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

/** The store being away passes; the stock client tries again after the one and gives up after the other. */
function closeCodeOf(error: unknown): number {
  const passing = error instanceof GatewayError && error.code === 'STORE_UNAVAILABLE';
  return passing ? CLOSE.tryAgainLater : CLOSE.internalError;
}
