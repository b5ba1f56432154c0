/** Malicious WebSocket clients: each is closed with the code of the protocol, and does not affect others. */

import { API_KEY, type TestGateway, tokenFor } from '../e2e/support/gateway';
import { createDisposal } from '../support/disposal';
import { connectClient, openRaw } from '../support/raw-ws';
import { until } from '../support/until';
import { expectHealthy, startTarget, upgradeStatus } from './target';

const disposal = createDisposal('all');
const callers = createDisposal();
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTarget(disposal, {
    limits: {
      sockets: { maxSubscriptionsPerConnection: 5, messagesPerSecond: 20 },
      quotas: { socketsPerUser: 3, operationsPerUser: 8 },
    },
  });
});

afterEach(() => expectHealthy(gateway));

const init = { type: 'connection_init', payload: { authorization: `Bearer ${API_KEY}` } };
const open = () => openRaw(callers, gateway.wsUrl);
const connect = (key = API_KEY) => connectClient(callers, gateway.wsUrl, key);
const subscribe = (id: string, query = 'subscription { statusChanged { cursor } }') => ({
  id,
  type: 'subscribe',
  payload: { query },
});

/** Returns a message nested 10,000 levels deep. */
function deep(type: string): string {
  return `{"type":"${type}","id":"a","payload":{"query":"{cursor}","variables":${nested(10_000)}}}`;
}

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

describe('a connection is closed whose client', () => {
  it.each<[string, number, readonly (object | string)[]]>([
    ['subscribes before `connection_init`', 4401, [subscribe('a')]],
    ['sends `connection_init` twice', 4429, [init, init]],
    ['has a wrong key', 4403, [{ ...init, payload: { authorization: 'Bearer wrong' } }]],
    ['has no key', 4403, [{ type: 'connection_init' }]],
    ['sends malformed JSON', 4400, ['{']],
    ['sends a JSON list', 4400, ['[]']],
    ['sends a message of unknown type', 4400, [{ type: 'drop_table' }]],
    ['sends a message that names __proto__', 4400, ['{"__proto__":{"type":"ping"}}']],
    ['sends an operation without a document', 4400, [{ id: 'a', type: 'subscribe', payload: {} }]],
    ['sends a `next` message', 4400, [{ id: 'a', type: 'next', payload: {} }]],
    ['sends `connection_ack`', 4400, [{ type: 'connection_ack' }]],
    ['sends an `error` message', 4400, [{ id: 'a', type: 'error', payload: [{ message: 'a' }] }]],
    ['pings with a deep payload', 4400, [deep('ping')]],
    ['sends `connection_init` with a deep payload', 4400, [deep('connection_init')]],
    ['sends deep variables', 4400, [init, deep('subscribe')]],
    ['sends `connection_ack` once authenticated', 4400, [init, { type: 'connection_ack' }]],
    ['sends a message over 64 KiB', 1009, [{ type: 'ping', payload: { x: 'x'.repeat(70_000) } }]],
  ])('%s: %i', async (_, code, messages) => {
    const client = await open();
    for (const message of messages) client.send(message);
    expect((await client.closed).code).toBe(code);
  });

  it('uses the same ID twice: 4409', async () => {
    const client = await connect();
    client.send(subscribe('a'));
    client.send(subscribe('a'));
    expect((await client.closed).code).toBe(4409);
  });

  it('uses the same ID twice, and the ID is too long for the close reason: 4409', async () => {
    const client = await connect();
    const id = 'a'.repeat(200);
    client.send(subscribe(id));
    client.send(subscribe(id));
    expect((await client.closed).code).toBe(4409);
  });

  it('requests no subprotocol: 4406', async () => {
    const client = await openRaw(callers, gateway.wsUrl, { protocol: null });
    expect((await client.closed).code).toBe(4406);
  });

  it('sends nothing: 4408', async () => {
    const hasty = await startTarget(callers, { limits: { sockets: { initTimeoutMs: 200 } } });
    const client = await openRaw(callers, hasty.wsUrl);
    expect((await client.closed).code).toBe(4408);
    await expectHealthy(hasty);
  });

  it('no longer answers pings', async () => {
    const hasty = await startTarget(callers, {
      limits: { sockets: { keepAliveMs: 200 } },
      now: () => performance.now(),
    });
    const client = await openRaw(callers, hasty.wsUrl, { socket: { autoPong: false } });
    client.send(init);
    expect((await client.closed).code).toBe(1006);
    await expectHealthy(hasty);
  });

  it('floods with pings: 1008', async () => {
    const client = await connect();
    for (let index = 0; index < 300; index += 1) client.send({ type: 'ping' });
    expect((await client.closed).code).toBe(1008);
  });

  it('floods with subscriptions that it completes at once: 1008', async () => {
    const client = await connect();
    for (let index = 0; index < 300; index += 1) {
      client.send(subscribe(`a${index}`));
      client.send({ id: `a${index}`, type: 'complete' });
    }
    expect((await client.closed).code).toBe(1008);
  });
});

describe('too many', () => {
  it('operations of one connection are rejected', async () => {
    const client = await connect();
    for (let index = 0; index < 20; index += 1) client.send(subscribe(`a${index}`));
    const rejected = await client.receive(15, 'error');
    expect(rejected[0]?.payload).toMatchObject([
      { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } },
    ]);
  });

  it('connections of one user are closed, and others’ are not', async () => {
    const token = await tokenFor('mallory');
    for (let index = 0; index < 3; index += 1) await connect(token);
    const fourth = await open();
    fourth.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect((await fourth.closed).code).toBe(1013);
    await connect(await tokenFor('ben'));
  });

  it('connections of one user are not counted after they close', async () => {
    const token = await tokenFor('trudy');
    for (let index = 0; index < 8; index += 1) {
      const client = await connect(token);
      client.socket.close();
      await client.closed;
    }
    await connect(token);
  });

  it('operations of one user on several connections are rejected', async () => {
    const token = await tokenFor('eve');
    const [one, two] = [await connect(token), await connect(token)];
    for (let index = 0; index < 5; index += 1) one.send(subscribe(`a${index}`));
    one.send({ type: 'ping' });
    await one.receive(1, 'pong');
    for (let index = 0; index < 5; index += 1) two.send(subscribe(`a${index}`));
    const [rejected] = await two.receive(1, 'error');
    expect(rejected?.payload).toMatchObject([{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }]);
  });

  it('connections from one address are rejected until others close', async () => {
    const small = await startTarget(callers, { env: { SOCKETS_PER_ADDRESS: '2' } });
    const [first] = [await openRaw(callers, small.wsUrl), await openRaw(callers, small.wsUrl)];
    expect(await upgradeStatus(callers, small, {})).toBe(429);
    first.socket.close();
    await first.closed;
    await until(async () => (await upgradeStatus(callers, small, {})) === 101);
  });
});

describe('a page of another site', () => {
  it.each(['https://evil.example', 'null', 'http://127.0.0.1', 'file://', 'x'])(
    'at %s cannot open a WebSocket',
    async (origin) => {
      expect(await upgradeStatus(callers, gateway, { origin })).toBe(403);
    },
  );

  it('can open one if it is allowed, or on the gateway’s own host', async () => {
    const env = { ALLOWED_ORIGINS: 'https://app.example.com, https://other.example.com' };
    const target = await startTarget(callers, { env });
    for (const origin of ['https://app.example.com', target.url]) {
      expect(await upgradeStatus(callers, target, { origin })).toBe(101);
    }
    const subdomain = 'https://app.example.com.evil.example';
    expect(await upgradeStatus(callers, target, { origin: subdomain })).toBe(403);
  });
});
