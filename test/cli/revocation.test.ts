/** Tests that revoked and expired credentials end subscriptions, in a gateway in production mode. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { createDisposal } from '../support/disposal';
import { createTempDir } from '../support/temp-dir';
import { type Spawned, spawnScript } from './spawn';

const MAIN = join(__dirname, '../../src/cli/main.ts');
const JWT_SECRET = 'a shared secret that signs the tokens of this test';
const TOLERANCE_S = 5;
/** A key that was looked up just before its revocation may be admitted for one more second. */
const KEY_CACHE_MS = 1_100;

const disposal = createDisposal();

async function start() {
  const folder = await createTempDir(disposal);
  const env = {
    NODE_ENV: 'production',
    PORT: '0',
    DATA_DIR: folder,
    DATA_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    WEBHOOK_SECRETS_SUMSUB: 'a secret of sumsub',
    JWT_SECRET,
    JWT_ISSUER: 'issuer.example',
    JWT_AUDIENCE: 'kyc',
  };
  const run = (...args: readonly string[]): Spawned => spawnScript(MAIN, env, args, folder);
  const gateway = run('start');
  disposal.defer(() => {
    gateway.process.kill('SIGKILL');
    return gateway.finished;
  });
  await gateway.printed('gateway is listening');
  const url = /"url":"([^"]+)"/.exec(gateway.output())?.[1] ?? '';
  const command = async (...args: readonly string[]) => {
    const { code, out } = await run(...args).finished;
    expect(code).toBe(0);
    return out.trim();
  };
  return { url: url.replace('http', 'ws').concat('/graphql'), command };
}

interface Subscribed {
  readonly client: Client;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
}

/** Resolves once the subscription is open. A query on the same connection is answered only after that. */
async function subscribe(url: string, credential: string): Promise<Subscribed> {
  let onClosed: (code: number) => void;
  const closed = new Promise<number>((resolve) => {
    onClosed = resolve;
  });
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${credential}` },
    retryAttempts: 0,
    on: { closed: (event) => onClosed(getCode(event)) },
  });
  disposal.defer(() => client.dispose());
  const sink = { next() {}, error() {}, complete() {} };
  client.subscribe({ query: 'subscription { statusChanged { cursor } }' }, sink);
  for await (const { data } of client.iterate({ query: '{ cursor }' })) {
    expect(data).toMatchObject({ cursor: expect.any(String) });
  }
  return { client, closed };
}

/** Creates a token. @param seconds - Time until the gateway rejects it. */
function tokenFor(seconds: number): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + seconds - TOLERANCE_S;
  const claims = { iss: 'issuer.example', aud: 'kyc', sub: 'ada', exp };
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(JWT_SECRET));
}

function getCode(event: unknown): number {
  return typeof event === 'object' && event !== null && 'code' in event ? Number(event.code) : 0;
}

it('closes the subscription of a revoked key, and no other', async () => {
  const { url, command } = await start();
  const [mine, other] = [
    await command('keys', 'create', '--name', 'mine', '--scope', 'read'),
    await command('keys', 'create', '--name', 'other', '--scope', 'read'),
  ];
  const revoked = await subscribe(url, mine);
  const active = await subscribe(url, other);

  await command('keys', 'revoke', mine.split('_')[1] ?? '');

  expect(await revoked.closed).toBe(4403);
  for await (const { data } of active.client.iterate({ query: '{ cursor }' })) {
    expect(data).toMatchObject({ cursor: expect.any(String) });
  }
  await sleep(KEY_CACHE_MS);
  await expect(subscribe(url, mine)).rejects.toMatchObject({ code: 4403 });
});

it('closes the subscription of an expired token', async () => {
  const { url } = await start();
  const startedAt = performance.now();
  await subscribe(url, await tokenFor(600));
  const durationS = (performance.now() - startedAt) / 1000;
  const token = await tokenFor(2 + Math.ceil(10 * durationS)); // longer on a slow machine

  const { closed } = await subscribe(url, token);

  expect(await closed).toBe(4403);
  await expect(subscribe(url, token)).rejects.toMatchObject({ code: 4403 });
});
