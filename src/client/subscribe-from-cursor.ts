/** Makes a subscription of the stock `graphql-ws` client resumable: nothing lost, nothing repeated across reconnects. */

/** A client of `graphql-ws`, as far as it is needed here. */
export interface SubscribingClient {
  subscribe<Data = Record<string, unknown>, Extensions = unknown>(
    payload: MutableRequest,
    sink: Sink<Result<Data, Extensions>>,
  ): () => void;
}

/** What goes over the wire; the client sends the same object again when it reconnects. */
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
  /** The end: the client could not reconnect, or the server refused, e.g. with the code `CURSOR_EXPIRED`. */
  error(error: unknown): void;
  complete(): void;
}

export interface ResumableRequest {
  /** Has to select `cursor` and to pass the variable `$after`: `statusChanged(after: $after) { cursor … }`. */
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
  /**
   * `after` is the cursor to begin after: the last one that you have dealt with, or that of `query { cursor }`. Without
   * it, what happens before the first item is missed if the connection breaks before that item.
   */
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface ResumeOptions<Data> {
  /** Where an item has its cursor; by default in `data.statusChanged.cursor`. */
  readonly cursorOf?: (result: Result<Data>) => string | undefined;
}

/**
 * Like `client.subscribe`, but after a reconnect goes on behind the last item that `sink.next` has taken. The client alone
 * decides whether to reconnect. By default it tries five times and gives up at once if the connection is refused, which is
 * what happens while a gateway restarts: give `createClient` `retryAttempts: Infinity` and `shouldRetry: retryUnlessRefused`.
 * @returns a function that ends the subscription.
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
      const cursor = cursorOf(result); // after `next`: an item that was not taken is sent again
      if (cursor !== undefined) payload.variables.after = cursor;
    },
    error: (error) => sink.error(error),
    complete: () => sink.complete(),
  });
}

/**
 * For `shouldRetry` of `createClient`: reconnects after anything but close code 4403, by which the gateway refuses the
 * credentials. Where `connectionParams` is a function that gets a fresh token, use `() => true` instead.
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
