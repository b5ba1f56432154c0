/** The webhook part of a gateway, from the socket to the store, on a free port. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../src/config/load-config';
import type { WebhookRequest } from '../../src/domain/delivery';
import { GatewayError } from '../../src/domain/errors';
import { createIngest } from '../../src/ingest/ingest';
import { createProviders } from '../../src/providers/registry';
import { openStore } from '../../src/store/open-store';
import type { Store } from '../../src/store/store';
import { silentLog } from '../support/logs';

export interface Receiver {
  readonly url: string;
  readonly store: Store;
  /** Response statuses so far, in order. */
  readonly answers: readonly number[];
  stop(): Promise<void>;
}

export async function createReceiver(config: Config): Promise<Receiver> {
  const store = await openStore(config, silentLog);
  const providers = createProviders(config);
  const ingest = createIngest({
    providers,
    store,
    wake: () => {},
    clock: () => new Date(),
    clockSkewMs: 300_000,
  });
  const answers: number[] = [];

  async function receive(path: string, request: WebhookRequest): Promise<[number, object]> {
    try {
      const { disposition, duplicate } = await ingest(path.split('/')[2] ?? '', request);
      return [200, { disposition, duplicate }];
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return [error.code === 'SIGNATURE_INVALID' ? 401 : 500, { error: { code: error.code } }];
    }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = decodeURIComponent(request.url ?? '');
    const [status, responseBody] = await receive(path, {
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ),
      rawBody: Buffer.concat(chunks),
      subpath: path.split('/').slice(3).join('/'),
    });
    answers.push(status);
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(responseBody));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listens on TCP

  return {
    url: `http://127.0.0.1:${port}`,
    store,
    answers,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
}
