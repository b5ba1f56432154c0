/** A subscriber as our customers write one: the stock client, and the helper that resumes. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { subscribeFromCursor } from '../../src/client/subscribe-from-cursor';

export interface Subscriber {
  /** Cursors of what has come, in that order. */
  readonly cursors: readonly string[];
  /** How often it has been connected. */
  readonly connections: number;
  /** Breaks the connection without a word; the client comes back by itself. */
  cut(): void;
  close(): Promise<void>;
}

const PAUSE_MS = 20;

/** @param gateway - Which one to connect to, asked anew for every connection. @param after - Where in the log it begins. */
export function startSubscriber(
  gateway: { url(): Promise<string> },
  apiKey: string,
  after: string,
): Subscriber {
  const cursors: string[] = [];
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
    {
      query: 'subscription ($after: String) { statusChanged(after: $after) { cursor } }',
      variables: { after },
    },
    {
      next: ({ data }) => cursors.push(data?.statusChanged.cursor ?? 'an error'),
      error: () => cursors.push('an error'), // which no check will take for an entry of the log
      complete: () => {},
    },
  );
  return {
    cursors,
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
