/** The stock `graphql-ws` client on a real socket, following `statusChanged` and coming back by itself. */

import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { subscribeFromCursor } from '../../../src/client/subscribe-from-cursor';
import type { Disposal } from '../../support/disposal';
import { until } from '../../support/until';
import { API_KEY } from './gateway';
import { ENTRY, type Entry } from './state';

export interface Follower {
  /** Everything received so far, in the order of arrival. */
  readonly entries: Entry[];
  /** Reason for the end of the subscription. */
  readonly ended: Promise<unknown>;
  /** Number of connections so far. */
  readonly connections: number;
  /** Resolves when there are `count` entries. */
  receive(count: number): Promise<readonly Entry[]>;
  /** Cuts the connection without a word, as a lost network does. */
  kill(): void;
}

export interface FollowerOptions {
  readonly credential?: string | (() => Promise<string>) | null;
  readonly after?: string;
  readonly filter?: object;
  /** Maximum number of reconnects. Default: unlimited. */
  readonly retryAttempts?: number;
}

/** @param url - Called for each connection, because a restarted gateway may have a new URL. */
export function follow(
  disposal: Disposal,
  url: () => string,
  options: FollowerOptions = {},
): Follower {
  const { credential = API_KEY, after, filter, retryAttempts = Number.POSITIVE_INFINITY } = options;
  const entries: Entry[] = [];
  let socket: WebSocket | undefined;
  let connections = 0;
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: async () => paramsOf(credential),
    retryAttempts,
    retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, Math.min(retries, 5) * 4)),
    shouldRetry: () => true,
    on: {
      opened(opened) {
        if (opened instanceof WebSocket) socket = opened;
        connections += 1;
      },
    },
  });
  disposal.defer(() => client.dispose());
  const ended = subscribe(client, { after, filter }, entries);

  return {
    entries,
    ended,
    get connections() {
      return connections;
    },
    async receive(count) {
      await until(() => entries.length >= count);
      return entries;
    },
    kill: () => socket?.terminate(),
  };
}

const STATUS_CHANGED = `subscription ($after: String, $filter: StatusChangeFilter) {
  statusChanged(after: $after, filter: $filter) { ${ENTRY} }
}`;

function subscribe(
  client: Client,
  variables: { readonly after: string | undefined; readonly filter: object | undefined },
  entries: Entry[],
): Promise<unknown> {
  return new Promise((resolve) => {
    subscribeFromCursor<{ readonly statusChanged: Entry }>(
      client,
      { query: STATUS_CHANGED, variables },
      {
        next({ data, errors }) {
          if (data) entries.push(data.statusChanged);
          else resolve(errors);
        },
        error: resolve,
        complete: () => resolve('complete'),
      },
    );
  });
}

async function paramsOf(
  credential: FollowerOptions['credential'],
): Promise<Record<string, unknown>> {
  const shown = typeof credential === 'function' ? await credential() : credential;
  return shown === null || shown === undefined ? {} : { authorization: `Bearer ${shown}` };
}
