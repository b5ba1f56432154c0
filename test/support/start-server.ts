/** Starts the HTTP server on a free port, with defaults for options that the test does not set. */

import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../src/http/server';
import { createTestAuthenticator } from './credentials';
import type { Disposal } from './disposal';
import { silentLog } from './logs';
import { createToy } from './toy-graphql';

export interface StartedServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly wsUrl: string;
  readonly port: number;
  readonly server: HttpServer;
}

export async function startServer(
  disposal: Disposal,
  options: Partial<HttpServerOptions> = {},
): Promise<StartedServer> {
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    ingest: async () => ({ deliveryId: 1, disposition: 'APPLIED', duplicate: false, changes: 1 }),
    graphql: options.graphql ?? createToy(disposal).service,
    authenticator: createTestAuthenticator(),
    store: { assertReady: async () => {} },
    log: silentLog,
    ...options,
    // The connections that `fetch` keeps open are not waited for.
    limits: { ...options.limits, http: { lastRequestMs: 0, ...options.limits?.http } },
  });
  const { port } = await server.listen();
  let closed = false;
  const close = server.close;
  const closeOnce = async () => {
    if (closed) return;
    closed = true;
    await close();
  };
  disposal.defer(closeOnce);
  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}/graphql`,
    port,
    server: { ...server, close: closeOnce },
  };
}
