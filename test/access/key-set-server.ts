/** Serves a JSON Web Key Set, like an identity provider. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

export interface KeySetServer {
  readonly url: string;
  keys: readonly JWK[];
  /** Response that replaces the key set. */
  answer: { readonly status: number; readonly body: string } | undefined;
  /** Number of requests received. */
  requests: number;
  stop(): Promise<void>;
}

export async function createKeySetServer(): Promise<KeySetServer> {
  const server = createServer((_request, response) => {
    keySet.requests += 1;
    const { status, body } = keySet.answer ?? {
      status: 200,
      body: JSON.stringify({ keys: keySet.keys }),
    };
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listens on TCP
  const keySet: KeySetServer = {
    url: `http://127.0.0.1:${port}/keys`,
    keys: [],
    answer: undefined,
    requests: 0,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return keySet;
}
