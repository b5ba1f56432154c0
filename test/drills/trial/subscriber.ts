/** A subscriber as customers write one: the stock client, and the helper that resumes. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { subscribeFromCursor } from '../../../src/client/subscribe-from-cursor';

export interface Subscriber {
  /** Cursors of what has come, in that order; `an error` for an item with errors, and for an end. */
  readonly cursors: readonly string[];
  /** The code with which the server ended the subscription; `null` while it goes on. */
  readonly refusal: string | null;
  /** Number of connections so far. */
  readonly connections: number;
  /** Breaks the connection without a close frame. The client reconnects by itself. */
  cut(): void;
  close(): Promise<void>;
}

export interface SubscriberOptions {
  /** Cursor after which the subscription starts. */
  readonly after: string;
  /** Whether it resumes after its last item when the connection breaks. If false, it starts at `after` again. Default: true. */
  readonly resumes?: boolean;
}

const PAUSE_MS = 20;
/** Each item has fields of its own to resolve, so that the store is read for it. */
const QUERY = `subscription ($after: String) {
  statusChanged(after: $after) {
    cursor user { externalUserId verificationStatus levels { status } } attempt { status } level { kind } } }`;

/** @param gateway - The one to connect to, looked up for every connection. */
export function startSubscriber(
  gateway: { url(): Promise<string> },
  apiKey: string,
  { after, resumes = true }: SubscriberOptions,
): Subscriber {
  const cursors: string[] = [];
  let refusal: string | null = null;
  const sockets: WebSocket[] = [];
  const client = createClient({
    url: async () => `${(await gateway.url()).replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${apiKey}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: () => sleep(PAUSE_MS),
    on: {
      connected: (socket) => {
        if (socket instanceof WebSocket) sockets.push(socket);
      },
    },
  });
  const unsubscribe = subscribeFromCursor<{ readonly statusChanged: { readonly cursor: string } }>(
    client,
    { query: QUERY, variables: { after } },
    {
      next: ({ data, errors }) =>
        cursors.push(errors === undefined && data ? data.statusChanged.cursor : 'an error'),
      error(error) {
        cursors.push('an error'); // which no check will take for an entry of the log
        refusal = codeOf(error);
      },
      complete: () => {},
    },
    resumes ? {} : { cursorOf: () => undefined },
  );
  return {
    cursors,
    get refusal() {
      return refusal;
    },
    get connections() {
      return sockets.length;
    },
    cut: () => sockets.at(-1)?.terminate(),
    async close() {
      unsubscribe();
      await client.dispose();
    },
  };
}

/** Code of the first error in the message `error`. */
function codeOf(errors: unknown): string {
  const [first] = Array.isArray(errors) ? errors : [];
  return String(first?.extensions?.code ?? 'UNKNOWN');
}
