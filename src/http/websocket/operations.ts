/**
 * Executes GraphQL operations received over a WebSocket, by the same rules as over HTTP.
 *
 * graphql-ws identifies an operation by its `ExecutionArgs`. `prepare` creates them; `execute` or `openStream` runs them once.
 */

import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { Principal } from '../../access/principal';
import { InvariantError, StoreUnavailableError } from '../../domain/errors';
import type { ChangeStream } from '../../feed/broadcast-queue';
import type {
  PreparedOperation,
  RejectedOperation,
} from '../../graphql/documents/prepare-operation';
import { isTransient, retryTransient } from '../../graphql/request/transient';
import type { GraphQLService, OperationContext } from '../../graphql/service';
import { normalizeParameters, UnknownDocumentError } from '../io/graphql-parameters';
import type { SocketLimits } from '../limits/limits';
import type { Frame } from './frame';
import { createSubscriptionGroups, type Group, type Opened } from './subscription-groups';
import {
  createSubscriptionStream,
  type StreamHooks,
  type Subscription,
  type SubscriptionStream,
} from './subscription-stream';

export interface IncomingOperation {
  readonly payload: SubscribePayload;
  readonly principal: Principal;
  /** Sends items of the subscription as shared frames. Returns false if they must go through the stream. */
  push(frames: readonly Frame[]): boolean;
  /** Whether the connection has been closed. */
  isClosed(): boolean;
}

export interface ResultParts {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly GraphQLError[] | undefined;
}

export interface NextPayload {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

export class Operations {
  readonly #graphql: GraphQLService;
  readonly #limits: Pick<SocketLimits, 'retryItemMs' | 'retryOpeningMs'>;
  /** Contexts of queries and mutations. */
  readonly #contexts = new WeakMap<ExecutionArgs, OperationContext>();
  readonly #subscriptions = new WeakMap<ExecutionArgs, Subscription>();
  readonly #findGroup: (opened: Opened) => Promise<Group>;

  constructor(
    graphql: GraphQLService,
    limits: Pick<SocketLimits, 'retryItemMs' | 'retryOpeningMs'>,
  ) {
    this.#graphql = graphql;
    this.#limits = limits;
    this.#findGroup = createSubscriptionGroups(
      (result) => this.toPayload(result),
      limits.retryItemMs,
    );
  }

  /**
   * Parses and validates an operation. Opens the stream of a subscription.
   *
   * @returns the arguments to execute, or errors for the client.
   * @throws {StoreUnavailableError} If a subscription cannot be opened within `retryOpeningMs`.
   */
  async prepare(request: IncomingOperation): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { payload, principal } = request;
    const operation = this.#parse(payload);
    if ('errors' in operation) return operation.errors;
    const isSubscription = operation.operation.operation === 'subscription';
    const purpose = isSubscription ? 'SUBSCRIPTION' : 'REQUEST';
    const context = await this.#graphql.openContext(principal, purpose);
    const args = this.#toArgs(operation, payload, context.context);
    if (!isSubscription) {
      this.#contexts.set(args, context);
      return args;
    }
    const subscription = await this.#subscribe(request, operation, args, context);
    if ('errors' in subscription) return subscription.errors;
    const handle = { ...args, contextValue: null }; // the group has its own context
    this.#subscriptions.set(handle, subscription);
    return handle;
  }

  /** Executes a prepared query or mutation. */
  async execute(args: ExecutionArgs): Promise<ExecutionResult> {
    try {
      return await execute(args);
    } catch (error) {
      return { errors: [toGraphQLError(error)] };
    } finally {
      await this.#contexts.get(args)?.release(); // before sending the result to a client that may be slow
    }
  }

  /** Returns the stream of a prepared subscription. */
  openStream(args: ExecutionArgs, hooks: StreamHooks): SubscriptionStream {
    const subscription = this.#subscriptions.get(args);
    if (subscription === undefined) throw new InvariantError('Subscription was not prepared');
    return createSubscriptionStream(subscription, hooks);
  }

  isSubscription(args: ExecutionArgs): boolean {
    return this.#subscriptions.has(args);
  }

  /** Returns the payload of the `next` message with a result. */
  toPayload({ data, errors }: ResultParts): NextPayload {
    return {
      ...(data === undefined ? {} : { data }),
      ...(errors && { errors: errors.map(this.#graphql.formatError) }),
    };
  }

  #parse(payload: SubscribePayload): PreparedOperation | RejectedOperation {
    const { prepare, trusted } = this.#graphql;
    try {
      const { query, operationName, variables } = normalizeParameters(payload, trusted);
      return prepare({ query, operationName: operationName ?? null, variables: variables ?? {} });
    } catch (error) {
      if (error instanceof UnknownDocumentError) return { errors: [toGraphQLError(error)] };
      throw error;
    }
  }

  #toArgs(
    { document }: PreparedOperation,
    payload: SubscribePayload,
    context: object,
  ): ExecutionArgs {
    return {
      schema: this.#graphql.schema,
      document,
      contextValue: context,
      variableValues: payload.variables ?? null,
      operationName: payload.operationName || null,
    };
  }

  /** Opens the source stream. graphql-ws would send errors of the stream as items, so it is opened here. */
  async #subscribe(
    { principal, push, isClosed }: IncomingOperation,
    { operation }: PreparedOperation,
    args: ExecutionArgs,
    context: OperationContext,
  ): Promise<Subscription | RejectedOperation> {
    try {
      const source = await retryTransient(() => openSource(args), {
        isOver: isClosed,
        retryForMs: this.#limits.retryOpeningMs,
      });
      if (!isIterator(source)) {
        await context.release();
        const unknown = [new GraphQLError('The subscription could not be opened.')];
        return { errors: ('errors' in source && source.errors) || unknown };
      }
      const view = isPipeable(source) ? this.#graphql.getViewKey(principal) : null;
      const group = await this.#findGroup({ args, operation, view, context });
      if (isPipeable(source) && view !== null) {
        source.pipeTo({ encoder: group.encoder, send: push });
      }
      return { entries: source, group };
    } catch (error) {
      await context.release();
      if (isTransient(error)) throw new StoreUnavailableError({ cause: error });
      return { errors: [toGraphQLError(error)] };
    }
  }
}

/** @throws a transient error. Other errors are in the result. */
async function openSource(args: ExecutionArgs): ReturnType<typeof createSourceEventStream> {
  const source = await createSourceEventStream(args);
  const transient = 'errors' in source ? source.errors?.find(isTransient) : undefined;
  if (transient !== undefined) throw transient;
  return source;
}

function isIterator(source: object): source is AsyncIterableIterator<unknown> {
  return Symbol.asyncIterator in source && 'next' in source;
}

function isPipeable(source: object): source is Pick<ChangeStream, 'pipeTo'> {
  return 'pipeTo' in source;
}

/** Wraps any thrown value for `GraphQLService.formatError`. */
export function toGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error('a non-error was thrown');
  return new GraphQLError(originalError.message, { originalError });
}
