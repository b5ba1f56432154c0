/** Resumable subscriptions for the `graphql-ws` client: no item is lost or repeated across reconnects. */

/** The part of a `graphql-ws` client that `subscribeFromCursor` uses. */
export interface SubscribingClient {
  subscribe<Data = Record<string, unknown>, Extensions = unknown>(
    payload: MutableRequest,
    sink: Sink<Result<Data, Extensions>>,
  ): () => void;
}

/** Payload of a subscription. The client sends the same object again when it reconnects. */
export interface MutableRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables: Record<string, unknown>;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

export interface Result<Data, Extensions = unknown> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string }[];
  readonly extensions?: Extensions;
}

export interface Sink<T> {
  next(value: T): void;
  /** Ends the stream: the client could not reconnect, or the server rejected the subscription, for example with `CURSOR_EXPIRED`. */
  error(error: unknown): void;
  complete(): void;
}

export interface ResumableRequest {
  /** Must select `cursor` and pass the variable `$after`: `statusChanged(after: $after) { cursor … }`. */
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
  /**
   * `after` is the start position: the last cursor that you processed, or the result of `query { cursor }`. Without it,
   * changes before the first item are lost if the connection breaks before that item.
   */
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface ResumeOptions<Data> {
  /** Returns the cursor of an item. Default: `data.statusChanged.cursor`. */
  readonly cursorOf?: (result: Result<Data>) => string | undefined;
}

/**
 * Subscribes like `client.subscribe`, and continues after the last item that `sink.next` processed when the client
 * reconnects. Returns a function that ends the subscription.
 *
 * The options of the client control reconnects. By default it retries five times, and not at all if the connection is
 * refused, as during a restart of the gateway. Pass `retryAttempts: Infinity` and `shouldRetry: retryUnlessRefused` to
 * `createClient`.
 */
export function subscribeFromCursor<Data = Record<string, unknown>, Extensions = unknown>(
  client: SubscribingClient,
  { variables, ...request }: ResumableRequest,
  sink: Sink<Result<Data, Extensions>>,
  { cursorOf = cursorOfStatusChanged }: ResumeOptions<Data> = {},
): () => void {
  const payload: MutableRequest = { ...request, variables: { ...variables } };
  return client.subscribe<Data, Extensions>(payload, {
    next(result) {
      sink.next(result);
      const cursor = cursorOf(result); // after `next`: if it throws, the server sends the item again
      if (cursor !== undefined) payload.variables.after = cursor;
    },
    error: (error) => sink.error(error),
    complete: () => sink.complete(),
  });
}

/**
 * Value for `shouldRetry` of `createClient`: retries after every error except close code 4403, with which the gateway
 * rejects the credentials. If `connectionParams` is a function that returns a fresh token, use `() => true` instead.
 */
export function retryUnlessRefused(errorOrCloseEvent: unknown): boolean {
  return property(errorOrCloseEvent, 'code') !== 4403;
}

function cursorOfStatusChanged({ data }: Result<unknown>): string | undefined {
  const change = property(data, 'statusChanged');
  const cursor = property(change, 'cursor');
  return typeof cursor === 'string' ? cursor : undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
