/** Handlers for the messages of the `graphql-transport-ws` protocol. graphql-ws parses the messages and sends the responses. */

import { type ExecutionArgs, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { Principal } from '../../access/principal';
import { InvariantError, RateLimitedError, UnauthenticatedError } from '../../domain/errors';
import { isTransient } from '../../graphql/request/transient';
import type { GraphQLService } from '../../graphql/service';
import type { Observer } from '../io/observer';
import type { Authentication } from '../limits/authentication';
import type { Release } from '../limits/concurrency-limiter';
import type { SocketLimits } from '../limits/limits';
import { type Quotas, TooManyOperationsError } from '../limits/quotas';
import { toCredentials } from './connection-credentials';
import type { Frame } from './frame';
import { CLOSE, type GuardedSocket } from './guarded-socket';
import { Operations, type ResultParts, toGraphQLError } from './operations';
import type { Revalidation } from './revalidation';
import type { SubscriptionStream } from './subscription-stream';

export interface ProtocolOptions {
  readonly graphql: GraphQLService;
  readonly authentication: Authentication;
  readonly quotas: Quotas;
  readonly limits: SocketLimits;
  readonly observer: Observer;
}

/** One connection: `extra` in the callbacks of graphql-ws. */
export interface Connection {
  readonly socket: GuardedSocket;
  readonly address: string;
  /** Header of the upgrade request. Deleted when authenticated. */
  authorization: string | undefined;
  /** `null` until the client is authenticated. */
  principal: Principal | null;
  /** Called when the connection is closed. */
  onClosed: () => void;
  /** May become true during authentication. */
  closed: boolean;
  /** Operations being prepared or executed, including those that the client has completed. */
  running: number;
  /** IDs of operations that have not ended. graphql-ws forgets an ID when the client completes it. */
  readonly ids: Set<string>;
}

type Parameters = Record<string, unknown> | undefined;
type ConnectionContext = Context<Parameters, Connection>;

/** Owner of a prepared operation. */
interface Owner {
  readonly connection: Connection;
  /** Releases the operation's quota. */
  readonly release: Release;
}

/** @param watch - Registers a callback for invalid credentials. */
export function createProtocol(
  options: ProtocolOptions,
  watch: Revalidation['watch'],
): Server<Connection> {
  const handlers = new ProtocolHandlers(options, watch);
  return makeServer<Parameters, Connection>({
    connectionInitWaitTimeout: options.limits.initTimeoutMs,
    onConnect: (context) => handlers.connect(context),
    onSubscribe: (context, id, payload) => handlers.prepare(context, id, payload),
    onComplete: ({ extra }, id) => void extra.ids.delete(id),
    execute: (args) => handlers.execute(args),
    subscribe: (args) => handlers.subscribe(args),
    onNext: (_context, _id, _payload, args, result) => handlers.toNextPayload(args, result),
    onError: (_context, _id, _payload, errors) => handlers.toErrorPayload(errors),
  });
}

class ProtocolHandlers {
  readonly #options: ProtocolOptions;
  readonly #watch: Revalidation['watch'];
  readonly #operations: Operations;
  readonly #owners = new WeakMap<ExecutionArgs, Owner>();

  constructor(options: ProtocolOptions, watch: Revalidation['watch']) {
    this.#options = options;
    this.#watch = watch;
    this.#operations = new Operations(options.graphql, options.limits);
  }

  /** Authenticates the connection. If it returns false, the connection is or will be closed. */
  async connect(context: ConnectionContext): Promise<boolean> {
    const { authentication, quotas } = this.#options;
    const { connectionParams, extra: connection } = context;
    const { socket } = connection;
    const credentials = toCredentials(connectionParams, connection.authorization);
    connection.authorization = undefined;
    overwrite(context, { connectionParams: undefined });
    const principal = await authenticate(authentication, credentials, connection);
    if (principal === null || connection.closed) return false;
    const release = quotas.acquireSession(principal);
    if (release === null) {
      socket.close(CLOSE.tryAgainLater, 'TOO_MANY_CONNECTIONS');
      return false;
    }
    connection.principal = principal;
    const unwatch = this.#watch(principal, () => socket.close(CLOSE.forbidden, 'Forbidden'));
    connection.onClosed = () => {
      unwatch();
      release();
    };
    return true;
  }

  /** Prepares an operation. Closes the connection if its ID is in use. */
  async prepare(
    context: ConnectionContext,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { ids, socket } = context.extra;
    if (ids.has(id)) {
      socket.close(CLOSE.subscriberAlreadyExists, ID_IN_USE);
      return [new GraphQLError(ID_IN_USE)];
    }
    ids.add(id);
    try {
      const args = await this.#admit(context, id, payload);
      if ('length' in args) ids.delete(id);
      return args;
    } catch (error) {
      ids.delete(id);
      throw error;
    }
  }

  execute(args: ExecutionArgs) {
    const { connection, release } = this.#getOwner(args);
    return countRunning(connection, this.#operations.execute(args)).finally(release);
  }

  subscribe(args: ExecutionArgs): SubscriptionStream {
    this.#options.observer.operation('websocket', 'OK');
    const { connection, release } = this.#getOwner(args);
    const { socket } = connection;
    return this.#operations.openStream(args, {
      turn: () => socket.turn(),
      onEnd: release,
      onInterrupted: () => interrupt(socket),
    });
  }

  toNextPayload(args: ExecutionArgs, result: ResultParts) {
    const payload = this.#operations.toPayload(result);
    if (!this.#operations.isSubscription(args)) {
      const outcome = payload.errors ? getCode(payload.errors) : 'OK';
      this.#options.observer.operation('websocket', outcome);
    }
    return payload;
  }

  toErrorPayload(errors: readonly GraphQLError[]): GraphQLFormattedError[] {
    const { graphql, observer } = this.#options;
    const formatted = errors.map(graphql.formatError);
    observer.operation('websocket', getCode(formatted));
    return formatted;
  }

  async #admit(
    context: ConnectionContext,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { quotas } = this.#options;
    const { extra: connection } = context;
    const { principal, socket, address } = connection;
    if (principal === null) throw new InvariantError('Connection has no credentials');
    const tooMany = this.#findExcess(context);
    if (tooMany !== null) return [toGraphQLError(tooMany)];
    const release = acquireOperation(quotas, principal, address);
    if (release instanceof GraphQLError) return [release];
    const quotedId = JSON.stringify(id);
    const push = (frames: readonly Frame[]) =>
      socket.push(frames.map((frame) => frame.bytesFor(quotedId)));
    const preparing = this.#operations
      .prepare({ payload, principal, push, isClosed: () => connection.closed })
      .catch((error: unknown) => {
        if (isTransient(error)) interrupt(socket);
        return [toGraphQLError(error)];
      });
    const args = await countRunning(connection, preparing, release);
    overwrite(payload, { query: '' });
    if ('length' in args) release();
    else this.#owners.set(args, { connection, release });
    return args;
  }

  #findExcess({ subscriptions, extra }: ConnectionContext): TooManyOperationsError | null {
    const limit = this.#options.limits.maxSubscriptionsPerConnection;
    const known = Object.keys(subscriptions).length; // includes the new one
    return known > limit || extra.running >= limit ? new TooManyOperationsError(limit) : null;
  }

  #getOwner(args: ExecutionArgs): Owner {
    const owner = this.#owners.get(args);
    if (owner === undefined) throw new InvariantError('Operation was not prepared');
    return owner;
  }
}

/** Closes the connection: the standard client then reconnects and resumes from its last cursor. On an `error` it would give up. */
function interrupt(socket: GuardedSocket): void {
  socket.close(CLOSE.tryAgainLater, 'STORE_UNAVAILABLE: resume from the last cursor');
}

/** Removes secrets and long texts from an object that graphql-ws keeps while it may need it. */
function overwrite<Kept extends object>(kept: Kept, replacement: Partial<Kept>): void {
  Object.assign(kept, replacement);
}

/** Counts the operation while `work` is pending. @param onFailure - Called if it rejects. */
async function countRunning<T>(
  connection: Connection,
  work: Promise<T>,
  onFailure?: () => void,
): Promise<T> {
  connection.running += 1;
  try {
    return await work;
  } catch (error) {
    onFailure?.();
    throw error;
  } finally {
    connection.running -= 1;
  }
}

function acquireOperation(
  quotas: Quotas,
  principal: Principal,
  address: string,
): Release | GraphQLError {
  try {
    return quotas.acquireOperation(principal, address);
  } catch (error) {
    return toGraphQLError(error);
  }
}

function getCode([first]: readonly GraphQLFormattedError[]): string {
  return String(first?.extensions?.code);
}

/** Close reasons, at most 123 bytes. */
const ID_IN_USE = 'An operation with this ID has not ended yet';
const MISSING =
  'UNAUTHENTICATED: send connectionParams { authorization: "Bearer <API key or token>" }';
const INVALID = 'UNAUTHENTICATED: connectionParams.authorization is not a valid API key or token';

/** If the credentials are invalid, closes the connection and returns null. Throws errors that the client has not caused. */
async function authenticate(
  authentication: Authentication,
  credentials: string | undefined,
  { address, socket }: Connection,
): Promise<Principal | null> {
  try {
    return await authentication.authenticate(credentials, address, 'websocket');
  } catch (error) {
    if (error instanceof RateLimitedError) {
      socket.close(CLOSE.tooManyInitializations, 'RATE_LIMITED: too many failed authentications');
      return null;
    }
    if (error instanceof UnauthenticatedError) {
      socket.close(CLOSE.forbidden, error.reason === 'MISSING' ? MISSING : INVALID);
      return null;
    }
    throw error;
  }
}
