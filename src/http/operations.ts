/** Runs GraphQL operations that come over a WebSocket by the rules that hold over HTTP. */

import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  type OperationTypeNode,
  parse,
  subscribe,
  validate,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { Principal } from '../access/principal';
import { type GraphQLService, type OperationContext, VALIDATION_RULES } from './graphql-service';

export interface Operations {
  /** What is to be run, or why it is not. For a subscription the stream is open when this resolves. */
  prepare(
    payload: SubscribePayload,
    principal: Principal,
  ): Promise<ExecutionArgs | readonly GraphQLError[]>;
  /** Runs a query or mutation that `prepare` has let through. */
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
  /** The stream that `prepare` has opened. */
  streamOf(args: ExecutionArgs): Stream;
}

/** With all three methods: that is how graphql-ws knows a stream that it can cancel. */
export interface Stream extends AsyncIterable<ExecutionResult> {
  next(): Promise<IteratorResult<ExecutionResult, void>>;
  return(): Promise<IteratorResult<ExecutionResult, void>>;
  throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>>;
}

export function createOperations(graphql: GraphQLService): Operations {
  const contexts = new WeakMap<ExecutionArgs, OperationContext>();
  const streams = new WeakMap<ExecutionArgs, Stream>();

  return {
    async prepare(payload, principal) {
      const checked = check(graphql, payload);
      if ('errors' in checked) return checked.errors;
      const streaming = checked.type === 'subscription';
      const operation = await graphql.contextFor(principal, streaming ? 'SUBSCRIPTION' : 'REQUEST');
      const args: ExecutionArgs = {
        schema: graphql.schema,
        document: checked.document,
        contextValue: operation.context,
        variableValues: payload.variables ?? null,
        operationName: payload.operationName ?? null,
      };
      if (!streaming) {
        contexts.set(args, operation);
        return args;
      }
      const stream = await openStream(args, operation);
      if ('errors' in stream) return stream.errors;
      streams.set(args, stream);
      return args;
    },

    async execute(args) {
      try {
        return await execute(args);
      } catch (error) {
        return { errors: [toGraphQLError(error)] };
      } finally {
        await contexts.get(args)?.done(); // before the answer is sent: the client may take its time
      }
    },

    streamOf(args) {
      const stream = streams.get(args);
      if (stream === undefined) throw new Error('expected a subscription that was prepared');
      return stream;
    },
  };
}

interface Refused {
  readonly errors: readonly GraphQLError[];
}

interface Checked {
  readonly document: DocumentNode;
  readonly type: OperationTypeNode;
}

function check({ schema }: GraphQLService, payload: SubscribePayload): Checked | Refused {
  let document: DocumentNode;
  try {
    document = parse(payload.query);
  } catch (error) {
    return { errors: [toGraphQLError(error)] };
  }
  const errors = validate(schema, document, VALIDATION_RULES);
  if (errors.length > 0) return { errors };
  const operation = getOperationAST(document, payload.operationName);
  if (operation) return { document, type: operation.operation };
  return { errors: [new GraphQLError('expected `operationName` to name one of the operations')] };
}

/** Opened here and not by graphql-ws, which would send what goes wrong in it as an item. */
async function openStream(
  args: ExecutionArgs,
  { done }: OperationContext,
): Promise<Stream | Refused> {
  try {
    const stream = await subscribe(args);
    if (isStream(stream)) return releasing(stream, done);
    await done();
    return { errors: stream.errors ?? [new GraphQLError('the subscription could not be opened')] };
  } catch (error) {
    await done();
    return { errors: [toGraphQLError(error)] };
  }
}

function isStream<S extends object>(result: ExecutionResult | S): result is S {
  return Symbol.asyncIterator in result;
}

/** The same stream, calling `done` once when it ends, however it does. */
function releasing(
  stream: AsyncGenerator<ExecutionResult, void, void>,
  done: OperationContext['done'],
): Stream {
  let released = false;

  async function release(): Promise<void> {
    if (released) return;
    released = true;
    await done();
  }

  async function releaseAtEnd(step: Promise<IteratorResult<ExecutionResult, void>>) {
    try {
      const result = await step;
      if (result.done) await release();
      return result;
    } catch (error) {
      await release();
      throw error;
    }
  }

  return {
    next: () => releaseAtEnd(stream.next()),
    return: () => releaseAtEnd(stream.return(undefined)),
    throw: (error) => releaseAtEnd(stream.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function toGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError =
    error instanceof Error ? error : new Error('something that is no error was thrown');
  return new GraphQLError(originalError.message, { originalError });
}
