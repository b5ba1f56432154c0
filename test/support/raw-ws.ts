/** A WebSocket on which a test sends raw `graphql-transport-ws` messages. */

import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import type { Disposal } from './disposal';
import { until } from './until';

export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

export interface RawClient {
  readonly socket: WebSocket;
  /** Every message so far. */
  readonly messages: Message[];
  send(message: object | string): void;
  /** Waits until there are `count` messages, of this type if one is given. */
  receive(count: number, type?: string): Promise<readonly Message[]>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export interface RawClientOptions {
  readonly protocol?: string | null;
  readonly headers?: Record<string, string>;
  readonly socket?: ClientOptions;
}

/** Resolves when the connection is open, before any message is sent. */
export async function openRaw(
  disposal: Disposal,
  wsUrl: string,
  { protocol = 'graphql-transport-ws', headers = {}, socket: options }: RawClientOptions = {},
): Promise<RawClient> {
  const socket = new WebSocket(wsUrl, protocol === null ? [] : [protocol], { headers, ...options });
  disposal.defer(() => socket.terminate());
  const messages: Message[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await once(socket, 'open');
  return {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async receive(count, type) {
      const wanted = () => messages.filter((each) => type === undefined || each.type === type);
      await until(() => wanted().length >= count);
      return wanted();
    },
  };
}

/** The same, with the handshake done. */
export async function connectClient(
  disposal: Disposal,
  wsUrl: string,
  key: string,
  options: RawClientOptions = {},
): Promise<RawClient> {
  const client = await openRaw(disposal, wsUrl, options);
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } });
  await client.receive(1, 'connection_ack');
  return client;
}
