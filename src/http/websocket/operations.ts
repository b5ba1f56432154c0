/** Runs GraphQL operations that come over a WebSocket by the rules that hold over HTTP. */

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
import type { ChangeStream } from '../../feed/frame-encoder';
import type {
  PreparedOperation,
  RejectedOperation,
} from '../../graphql/documents/prepare-operation';
import { isTransient, retryTransient } from '../../graphql/request/transient';
import type { GraphQLService, OperationContext } from '../../graphql/service';
import { withoutEmptyName } from '../io/empty-parameters';
import { resolveDocument, UnknownDocumentError } from '../io/persisted-query';
import type { SocketLimits } from '../limits/limits';
import type { Frame } from './frame';
import type { GuardedSocket } from './socket';
import { createSubscriptionGroups, type Group } from './subscription-groups';

export interface Operations {
  /**
   * What is to be run, or why it is not. For a subscription the stream is open when this resolves.
   *
   * @param push - Sends items of the subscription past its stream, or answers `false`: not now.
   * @param isOver - Whether the connection has ended meanwhile.
   * @throws {StoreUnavailableError} if a subscription cannot be opened for as long as is worth waiting.
   */
  prepare(
    payload: SubscribePayload,
    principal: Principal,
    push: (frames: readonly Frame[]) => boolean,
    isOver: () => boolean,
  ): Promise<ExecutionArgs | readonly GraphQLError[]>;
  /** Runs a query or mutation that `prepare` has let through. */
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
  /**
   * The stream that `prepare` has opened.
   * @param turn - See `GuardedSocket`.
   * @param onEnd - Called when it is over, whoever has ended it; maybe more than once.
   * @param onInterrupted - Called before the stream ends with a fault that passes. The client has to resume.
   */
  streamOf(args: ExecutionArgs, turn: Turn, onEnd: () => void, onInterrupted: () => void): Stream;
  isSubscription(args: ExecutionArgs): boolean;
  /** The payload of the message that brings this result. */
  toPayload(result: ResultParts): NextPayload;
}

/** Ends at once on `return`, also while an item is awaited. */
export interface Stream extends AsyncIterable<ExecutionResult> {
  next(): Promise<IteratorResult<ExecutionResult, undefined>>;
  return(): Promise<IteratorResult<ExecutionResult, undefined>>;
}

type Turn = GuardedSocket['turn'];

/** What a subscription was opened as. */
interface Source {
  readonly entries: AsyncIterator<unknown>;
  readonly group: Group;
}

interface ResultParts {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly GraphQLError[] | undefined;
}

interface NextPayload {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

const NOTHING = () => {};
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export function createOperations(
  graphql: GraphQLService,
  limits: Pick<SocketLimits, 'retryItemMs' | 'retryOpeningMs'>,
): Operations {
  const contexts = new WeakMap<ExecutionArgs, OperationContext>();
  const sources = new WeakMap<ExecutionArgs, Source>();
  const findGroup = createSubscriptionGroups(toPayload, limits.retryItemMs);

  function toPayload({ data, errors }: ResultParts): NextPayload {
    return {
      ...(data === undefined ? {} : { data }),
      ...(errors && { errors: errors.map(graphql.formatError) }),
    };
  }

  function admit(payload: SubscribePayload): PreparedOperation | RejectedOperation {
    try {
      const named = withoutEmptyName(payload);
      const { query, operationName, variables } = resolveDocument(named, graphql.trusted);
      return graphql.prepare({
        query,
        operationName: operationName ?? null,
        variables: variables ?? {},
      });
    } catch (error) {
      if (error instanceof UnknownDocumentError) return { errors: [toGraphQLError(error)] };
      throw error;
    }
  }

  function argsOf({ document }: PreparedOperation, payload: SubscribePayload, context: object) {
    return {
      schema: graphql.schema,
      document,
      contextValue: context,
      variableValues: payload.variables ?? null,
      operationName: payload.operationName || null,
    };
  }

  /** Opened here and not by graphql-ws, which would send what goes wrong in it as an item. */
  async function open(
    { operation }: PreparedOperation,
    args: ExecutionArgs,
    context: OperationContext,
    principal: Principal,
    push: (frames: readonly Frame[]) => boolean,
    isOver: () => boolean,
  ): Promise<Source | RejectedOperation> {
    try {
      const source = await retryTransient(() => openSource(args), {
        isOver,
        retryForMs: limits.retryOpeningMs,
      });
      if (!isIterator(source)) {
        await context.release();
        const unknown = [new GraphQLError('the subscription could not be opened')];
        return { errors: ('errors' in source && source.errors) || unknown };
      }
      const view = isDivertible(source) ? graphql.getViewKey(principal) : null;
      const group = await findGroup({ args, operation, view, context });
      if (isDivertible(source) && view !== null) source.divert({ press: group.press, take: push });
      return { entries: source, group };
    } catch (error) {
      await context.release();
      if (isTransient(error)) throw new StoreUnavailableError({ cause: error });
      return { errors: [toGraphQLError(error)] };
    }
  }

  return {
    toPayload,

    async prepare(payload, principal, push, isOver) {
      const admitted = admit(payload);
      if ('errors' in admitted) return admitted.errors;
      const streaming = admitted.operation.operation === 'subscription';
      const context = await graphql.openContext(principal, streaming ? 'SUBSCRIPTION' : 'REQUEST');
      const args = argsOf(admitted, payload, context.context);
      if (!streaming) {
        contexts.set(args, context);
        return args;
      }
      const source = await open(admitted, args, context, principal, push, isOver);
      if ('errors' in source) return source.errors;
      const handle = { ...args, contextValue: null }; // the group has a context already
      sources.set(handle, source);
      return handle;
    },

    async execute(args) {
      try {
        return await execute(args);
      } catch (error) {
        return { errors: [toGraphQLError(error)] };
      } finally {
        await contexts.get(args)?.release(); // before the answer is sent: the client may take its time
      }
    },

    streamOf(args, turn, onEnd, onInterrupted) {
      const source = sources.get(args);
      if (source === undefined) throw new InvariantError('Subscription was not prepared');
      return streamOver(source, turn, onEnd, onInterrupted);
    },

    isSubscription: (args) => sources.has(args),
  };
}

/** @throws a transient fault; any other is in the result. */
async function openSource(args: ExecutionArgs): ReturnType<typeof createSourceEventStream> {
  const source = await createSourceEventStream(args);
  const passing = 'errors' in source ? source.errors?.find(isTransient) : undefined;
  if (passing !== undefined) throw passing;
  return source;
}

function isIterator(source: object): source is AsyncIterableIterator<unknown> {
  return Symbol.asyncIterator in source && 'next' in source;
}

function isDivertible(source: object): source is Pick<ChangeStream, 'divert'> {
  return 'divert' in source;
}

function streamOver(
  { entries, group }: Source,
  turn: Turn,
  onEnd: () => void,
  onInterrupted: () => void,
): Stream {
  let left = false;
  let sent = NOTHING;

  async function leave(): Promise<IteratorReturnResult<undefined>> {
    onEnd();
    sent();
    if (!left) {
      left = true;
      await group.leave();
    }
    return DONE;
  }

  return {
    async next() {
      sent(); // of the item before: graphql-ws asks for the next one once that has left the process
      try {
        const entry = await entries.next();
        if (entry.done) return await leave();
        sent = await turn();
        if (left) return await leave();
        return { done: false, value: await group.answer(entry.value) };
      } catch (error) {
        if (left) return DONE;
        await leave();
        if (!isTransient(error)) throw error;
        onInterrupted();
        return DONE;
      }
    },
    async return() {
      onEnd();
      await entries.return?.();
      return leave();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What was thrown, for `GraphQLService.formatError`. */
export function toGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError =
    error instanceof Error ? error : new Error('something that is no error was thrown');
  return new GraphQLError(originalError.message, { originalError });
}
