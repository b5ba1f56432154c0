/** One operation by the stock `graphql-ws` client, on a connection of its own. */

import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Disposal } from '../../support/disposal';
import { type Answer, API_KEY, type TestGateway } from './gateway';

/** Rejects with the close event if the connection is closed instead. */
export function askOverSocket(
  disposal: Disposal,
  gateway: TestGateway,
  query: string,
  variables: Record<string, unknown> = {},
  credential = API_KEY,
): Promise<Pick<Answer, 'data' | 'errors'>> {
  const client = createClient({
    url: gateway.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${credential}` },
    retryAttempts: 0,
  });
  disposal.defer(() => client.dispose());
  return new Promise((resolve, reject) => {
    client.subscribe(
      { query, variables },
      {
        next: (result) => resolve(JSON.parse(JSON.stringify(result))),
        error: (error) => (Array.isArray(error) ? resolve({ errors: error }) : reject(error)),
        complete() {},
      },
    );
  });
}
