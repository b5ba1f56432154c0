/** The `graphql-transport-ws` protocol: what is done about each of its messages, and who may go on. */

import { type ExecutionArgs, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { Principal } from '../../access/principal';
import { InvariantError, RateLimitedError, UnauthenticatedError } from '../../domain/errors';
import { isTransient } from '../../graphql/request/transient';
import type { GraphQLService } from '../../graphql/service';
import type { Authentication } from '../limits/authentication';
import type { Release } from '../limits/concurrency-limiter';
import type { SocketLimits } from '../limits/limits';
import { type Quotas, TooManyOperationsError } from '../limits/quotas';
import type { Observer } from '../observer';
import { toCredentials } from './connection-credentials';
import type { Frame } from './frame';
import { createOperations, toGraphQLError } from './operations';
import type { Revalidation } from './revalidation';
import { CLOSE, type GuardedSocket } from './socket';

export interface ProtocolOptions {
  readonly graphql: GraphQLService;
  readonly authentication: Authentication;
  readonly quotas: Quotas;
  readonly limits: SocketLimits;
  readonly observer: Observer;
}

/** One connection: what graphql-ws hands to each callback as `extra`. */
export interface Connection {
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
  /** IDs of operations that have not ended. graphql-ws forgets an ID as soon as the client completes it. */
  readonly ids: Set<string>;
}

type Parameters = Record<string, unknown> | undefined;

/** @param watch - Tells when credentials hold no longer. */
export function createProtocol(
  { graphql, authentication, quotas, limits, observer }: ProtocolOptions,
  watch: Revalidation['watch'],
): Server<Connection> {
  const operations = createOperations(graphql, limits);
  const owners = new WeakMap<ExecutionArgs, Owner>();

  function ownerOf(args: ExecutionArgs): Owner {
    const owner = owners.get(args);
    if (owner === undefined) throw new InvariantError('Operation was not prepared');
    return owner;
  }

  async function admit(
    context: Context<Parameters, Connection>,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { extra } = context;
    const { principal, socket, address } = extra;
    if (principal === null) throw new InvariantError('Connection has no credentials');
    const most = limits.maxSubscriptionsPerConnection;
    const known = Object.keys(context.subscriptions).length; // the one that is about to start is counted already
    if (known > most || extra.running >= most) {
      return [toGraphQLError(new TooManyOperationsError(most))];
    }
    const leave = begin(quotas, principal, address);
    if (leave instanceof GraphQLError) return [leave];
    const quotedId = JSON.stringify(id);
    const push = (frames: readonly Frame[]) =>
      socket.push(frames.map((frame) => frame.bytesFor(quotedId)));
    const preparing = operations
      .prepare(payload, principal, push, () => extra.over)
      .catch((error: unknown) => {
        if (isTransient(error)) interrupt(socket);
        return [toGraphQLError(error)];
      });
    const args = await whileRunning(extra, preparing, leave);
    forget(payload, { query: '' });
    if ('length' in args) leave();
    else owners.set(args, { connection: extra, leave });
    return args;
  }

  return makeServer<Parameters, Connection>({
    connectionInitWaitTimeout: limits.initTimeoutMs,

    async onConnect(context) {
      const { connectionParams, extra } = context;
      const credentials = toCredentials(connectionParams, extra.authorization);
      extra.authorization = undefined;
      forget(context, { connectionParams: undefined });
      const principal = await authenticate(authentication, credentials, extra);
      if (principal === null || extra.over) return false;
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
      const { ids, socket } = context.extra;
      if (ids.has(id)) {
        socket.close(CLOSE.subscriberAlreadyExists, ID_IN_USE);
        return [new GraphQLError(ID_IN_USE)];
      }
      ids.add(id);
      try {
        const args = await admit(context, id, payload);
        if ('length' in args) ids.delete(id);
        return args;
      } catch (error) {
        ids.delete(id);
        throw error;
      }
    },
    onComplete: ({ extra }, id) => void extra.ids.delete(id),

    execute(args) {
      const { connection, leave } = ownerOf(args);
      return whileRunning(connection, operations.execute(args)).finally(leave);
    },
    subscribe(args) {
      observer.operation('websocket', 'OK');
      const { leave, connection } = ownerOf(args);
      const { socket } = connection;
      return operations.streamOf(args, socket.turn, leave, () => interrupt(socket));
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

/** The stock client connects again, and resumes from its last cursor; on an `error` it would give up. */
function interrupt(socket: GuardedSocket): void {
  socket.close(CLOSE.tryAgainLater, 'STORE_UNAVAILABLE: resume from the last cursor');
}

/** graphql-ws keeps what it was sent as long as it may be of use: neither secrets nor long texts are to wait for that. */
function forget<Kept extends object>(kept: Kept, rest: Partial<Kept>): void {
  Object.assign(kept, rest);
}

/** Of an operation that was let through. */
interface Owner {
  readonly connection: Connection;
  readonly leave: Release;
}

/** @param onFailure - Called where the work fails. */
async function whileRunning<T>(
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

/** What gives the place of the operation back, or why it has none. */
function begin(quotas: Quotas, principal: Principal, address: string): Release | GraphQLError {
  try {
    return quotas.begin(principal, address);
  } catch (error) {
    return toGraphQLError(error);
  }
}

function codeOf([first]: readonly GraphQLFormattedError[]): string {
  return String(first?.extensions?.code);
}

/** Close reasons: at most 123 bytes. */
const ID_IN_USE = 'An operation with this ID has not ended yet';
const MISSING =
  'UNAUTHENTICATED: send connectionParams { authorization: "Bearer <API key or token>" }';
const NOT_VALID = 'UNAUTHENTICATED: connectionParams.authorization is not a valid API key or token';

/** `null` if the credentials are bad: then the connection is closed. Whatever else goes wrong is not the client's fault and is thrown. */
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
    if (error instanceof UnauthenticatedError) {
      socket.close(CLOSE.forbidden, error.reason === 'MISSING' ? MISSING : NOT_VALID);
      return null;
    }
    throw error;
  }
}
