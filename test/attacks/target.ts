/** A gateway in production mode, and checks that an attack has not affected it. */

import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { GraphQLFormattedError } from 'graphql';
import { WebSocket } from 'ws';
import {
  API_KEY,
  startGateway,
  type TestGateway,
  type TestGatewayOptions,
} from '../e2e/support/gateway';
import { APPROVALS } from '../e2e/support/messages';
import type { Disposal } from '../support/disposal';
import { connectClient } from '../support/raw-ws';

const PRODUCTION = {
  NODE_ENV: 'production',
  JWT_ISSUER: 'kyc-gateway',
  JWT_AUDIENCE: 'kyc-gateway',
};

/**
 * Starts a gateway whose clock for rate limits and pings is stopped, so that a slow machine neither stays under a rate limit nor
 * misses a ping.
 */
export function startTarget(
  disposal: Disposal,
  { env, ...options }: TestGatewayOptions = {},
): Promise<TestGateway> {
  return startGateway(disposal, { now: () => 0, ...options, env: { ...PRODUCTION, ...env } });
}

/** Checks that the gateway responds, stores an authentic webhook and returns it. */
export async function expectHealthy(gateway: TestGateway): Promise<void> {
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  const { kept } = await gateway.post('sumsub', APPROVALS.sumsub);
  expect(['APPLIED', 'UNCHANGED', 'STALE']).toContain(kept?.disposition);
  const { data } = await gateway.ask('{ users { nodes { externalUserId } } }');
  expect(data.users.nodes).toEqual([{ externalUserId: 'ada' }]);
}

/** Returns the bytes in use after garbage collection. */
export function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export type Transport = 'POST' | 'GET' | 'WebSocket';
export const TRANSPORTS: readonly Transport[] = ['POST', 'GET', 'WebSocket'];

export interface OperationResult {
  readonly errors: readonly GraphQLFormattedError[];
  readonly data?: unknown;
}

/** An operation, or the ID of a trusted document in any parameter that clients use. */
export interface Payload {
  readonly query: string;
  readonly variables?: object;
  readonly extensions?: object;
  readonly documentId?: string;
  readonly doc_id?: string;
  readonly id?: string;
}

/** Sends one operation. */
export async function sendOperation(
  disposal: Disposal,
  gateway: TestGateway,
  transport: Transport,
  payload: Payload,
): Promise<OperationResult> {
  if (transport === 'WebSocket') return sendOnSocket(disposal, gateway, payload);
  const { variables = {}, extensions = {}, ...texts } = payload;
  const objects = { variables: JSON.stringify(variables), extensions: JSON.stringify(extensions) };
  const search = new URLSearchParams({ ...texts, ...objects });
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  const answer =
    transport === 'POST'
      ? await fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          headers,
          body: JSON.stringify(payload),
        })
      : await fetch(`${gateway.url}/graphql?${search}`, { headers });
  const result: object = JSON.parse(await answer.text());
  return { errors: [], ...result };
}

async function sendOnSocket(
  disposal: Disposal,
  gateway: TestGateway,
  payload: object,
): Promise<OperationResult> {
  const client = await connectClient(disposal, gateway.wsUrl, API_KEY);
  client.send({ id: 'it', type: 'subscribe', payload });
  const answers = () => client.messages.filter(({ id }) => id === 'it');
  while (answers().length === 0) await once(client.socket, 'message');
  const [answer] = answers();
  client.socket.terminate();
  const { payload: result } = answer ?? {};
  if (Array.isArray(result)) return { errors: result };
  return { errors: [], ...(typeof result === 'object' && result) };
}

export function getCodes({ errors }: OperationResult): readonly unknown[] {
  return [...new Set(errors.map(({ extensions }) => extensions?.code))];
}

/** Returns the status of the response to a WebSocket upgrade. 101 means accepted. */
export async function upgradeStatus(
  disposal: Disposal,
  gateway: TestGateway,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const socket = new WebSocket(gateway.wsUrl, ['graphql-transport-ws'], { headers });
  disposal.defer(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.once('error', reject);
  });
}
