/** Quotas on connections, operations in progress and operations per second. */

import { request } from 'node:http';
import { API_KEY, codesOf, type TestGateway, tokenFor } from '../e2e/support/gateway';
import { createDisposal } from '../support/disposal';
import { connectClient, openRaw, type RawClient } from '../support/raw-ws';
import { until } from '../support/until';
import { expectHealthy, startTarget } from './target';

const disposal = createDisposal();

const subscribe = (id: string) => ({
  id,
  type: 'subscribe',
  payload: { query: 'subscription { statusChanged { cursor } }' },
});
const ask = (id: string) => ({ id, type: 'subscribe', payload: { query: '{ cursor }' } });
const TOO_MANY = [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }];

const start = (env: Readonly<Record<string, string>>) => startTarget(disposal, { env });
const connect = (target: TestGateway, key = API_KEY) => connectClient(disposal, target.wsUrl, key);

/** Opens subscriptions and waits until each is open or rejected. */
async function open(client: RawClient, count: number, name = 's'): Promise<void> {
  for (let index = 0; index < count; index += 1) client.send(subscribe(`${name}${index}`));
  const pongs = client.messages.filter(({ type }) => type === 'pong').length;
  client.send({ type: 'ping' });
  await client.receive(pongs + 1, 'pong');
}

/** Opens subscriptions. If any is rejected, completes all and returns false. */
async function opensAll(client: RawClient, count: number, name: string): Promise<boolean> {
  const countErrors = () => client.messages.filter(({ type }) => type === 'error').length;
  const before = countErrors();
  await open(client, count, name);
  if (countErrors() === before) return true;
  for (let index = 0; index < count; index += 1) {
    client.send({ id: `${name}${index}`, type: 'complete' });
  }
  return false;
}

describe.each<[string, Readonly<Record<string, string>>]>([
  ['an API key', { OPERATIONS_PER_KEY: '5' }],
  ['an address', { OPERATIONS_PER_ADDRESS: '5' }],
])('%s has a limited number of operations in progress', (_, env) => {
  it('over all its connections and HTTP, until some end', async () => {
    const target = await start(env);
    const [one, two] = [await connect(target), await connect(target)];
    await open(one, 3);
    await open(two, 3);
    expect((await two.receive(1, 'error'))[0]?.payload).toMatchObject(TOO_MANY);

    const queried = await target.ask('{ cursor }');
    expect([queried.status, codesOf(queried)]).toEqual([429, ['TOO_MANY_SUBSCRIPTIONS']]);
    one.send(ask('q'));
    expect((await one.receive(1, 'error'))[0]?.payload).toMatchObject(TOO_MANY);

    one.send({ id: 's0', type: 'complete' });
    await until(async () => (await target.ask('{ cursor }')).status === 200);
    two.socket.terminate();
    await until(async () => (await target.ask('{ cursor }')).status === 200);
    one.send(ask('r'));
    await until(() => one.messages.some(({ id, type }) => id === 'r' && type === 'complete'));
    one.socket.terminate();
    await expectHealthy(target);
  });

  it('and failed or completed operations are not counted', async () => {
    const target = await start(env);
    const client = await connect(target);
    const bad = 'subscription { statusChanged(after: "nothing") { cursor } }';
    for (let index = 0; index < 8; index += 1) {
      client.send({ id: `bad${index}`, type: 'subscribe', payload: { query: bad } });
      await client.receive(index + 1, 'error');
    }
    for (let index = 0; index < 20; index += 1) {
      client.send(ask(`q${index}`));
      await client.receive(index + 1, 'complete');
    }
    for (let index = 0; index < 20; index += 1) {
      client.send(subscribe(`s${index}`));
      client.send({ id: `s${index}`, type: 'complete' });
      await open(client, 0);
    }
    // A subscription that is completed while it is being opened ends a moment later.
    let round = 0;
    await until(async () => {
      round += 1;
      return opensAll(client, 5, `last${round}-`);
    });
    client.socket.terminate();
    await expectHealthy(target);
  });
});

it('an API key has a limited number of connections, and others are not affected', async () => {
  const target = await start({ SOCKETS_PER_KEY: '2' });
  const { key } = await target.createKey('read');
  const [first] = [await connect(target, key), await connect(target, key)];
  const third = await openRaw(disposal, target.wsUrl);
  third.send({ type: 'connection_init', payload: { authorization: key } });
  expect(await third.closed).toEqual({ code: 1013, reason: 'TOO_MANY_CONNECTIONS' });

  await connect(target, API_KEY);
  await connect(target, await tokenFor('ada'));
  first.socket.close();
  await first.closed;
  await connect(target, key);
  await expectHealthy(target);
});

it('an API key and an end user with the same ID are counted separately', async () => {
  const target = await start({ OPERATIONS_PER_USER: '1', OPERATIONS_PER_KEY: '1' });
  const user = await connect(target, await tokenFor('null'));
  await open(user, 1);
  expect((await target.ask('{ cursor }')).status).toBe(200);
  expect((await target.ask('{ cursor }', {}, await tokenFor('null'))).status).toBe(429);
  user.socket.terminate();
});

it('a caller with too many operations per second is rate-limited on both transports, and others are not', async () => {
  const target = await start({ OPERATIONS_PER_SECOND: '1' });
  const [flooding, other] = [await tokenFor('mallory'), await tokenFor('ben')];
  const statuses = new Set<number>();
  for (let index = 0; index < 15; index += 1) {
    statuses.add((await target.ask('{ cursor }', {}, flooding)).status);
  }
  expect([...statuses]).toEqual([200, 429]);
  const client = await connect(target, flooding);
  client.send(ask('q'));
  expect((await client.receive(1, 'error'))[0]?.payload).toMatchObject([
    { extensions: { code: 'RATE_LIMITED' } },
  ]);
  expect((await target.ask('{ cursor }', {}, other)).status).toBe(200);
  await expectHealthy(target);
});

it('a rejected upgrade gets a JSON error and Retry-After', async () => {
  const target = await start({ SOCKETS_PER_ADDRESS: '1' });
  await connect(target);
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
  const rejection = (path: string, headers: object) => {
    return new Promise<{ status: number; headers: object; body: string }>((resolve, reject) => {
      const upgrading = request(`${target.url}${path}`, { headers: { ...upgrade, ...headers } });
      upgrading.once('response', (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      upgrading.once('error', reject).end();
    });
  };

  const full = await rejection('/graphql', {});
  expect([full.status, JSON.parse(full.body).error.code]).toEqual([429, 'RATE_LIMITED']);
  expect(full.headers).toMatchObject({ 'retry-after': expect.stringMatching(/^\d+$/) });
  const crossOrigin = await rejection('/graphql', { origin: 'https://evil.example' });
  expect([crossOrigin.status, JSON.parse(crossOrigin.body).error.code]).toEqual([403, 'FORBIDDEN']);
  const notFound = await rejection('/other', {});
  expect([notFound.status, JSON.parse(notFound.body).error.code]).toEqual([404, 'NOT_FOUND']);
});
