/** A Redis of one's own, on a free port, that keeps nothing. */

import { join } from 'node:path';
import { createClient } from '@redis/client';
import { createServerProcess, freePort, type ServerProcess } from './own-server';
import { folderOf } from './programs';

export interface RedisServer extends ServerProcess {
  readonly port: number;
  readonly url: string;
  /** Number of other connections. NaN if the server does not respond. */
  connections(): Promise<number>;
}

export interface RedisServerOptions {
  readonly password?: string;
  /** Certificate files. If set, the server accepts only TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Not yet started. */
export async function createRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { password, tls } = options;
  const folder = folderOf('redis-server');
  if (folder === undefined) throw new Error('redis-server is missing on this machine');
  const port = await freePort();
  const credentials = password === undefined ? '' : `:${password}@`;
  const url = `${tls === undefined ? 'redis' : 'rediss'}://${credentials}127.0.0.1:${port}`;

  /** Response of Redis to one command. `undefined` if it does not respond. */
  async function ask(...command: readonly string[]): Promise<unknown> {
    const socket = { reconnectStrategy: false, connectTimeout: 1000 } as const;
    const client = createClient({
      url,
      socket: tls === undefined ? socket : { ...socket, tls: true, rejectUnauthorized: false },
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.sendCommand([...command]);
    } catch {
      return undefined;
    } finally {
      client.destroy();
    }
  }

  const server = createServerProcess({
    command: join(folder, 'redis-server'),
    args: [
      ...['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...(tls === undefined
        ? ['--port', String(port)]
        : [
            ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
            ...['--tls-cert-file', tls.cert, '--tls-key-file', tls.key],
          ]),
    ],
    answers: async () => (await ask('PING')) === 'PONG',
  });

  return {
    ...server,
    port,
    url,
    async connections() {
      const list = await ask('CLIENT', 'LIST');
      if (list === undefined) return Number.NaN;
      return String(list).trim().split('\n').length - 1; // the one that asks is on the list
    },
  };
}
