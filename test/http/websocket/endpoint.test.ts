import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { encodeCursor } from '../../../src/domain/cursor';
import type { SocketLimits } from '../../../src/http/limits/limits';
import { createTestAuthenticator, GOOD_KEY, OTHER_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { createMemoryLog } from '../../support/memory-log';
import { connectClient, openRaw, type RawClientOptions } from '../../support/raw-ws';
import { startServer } from '../../support/start-server';
import { createToy } from '../../support/toy-graphql';
import { until } from '../../support/until';

const disposal = createDisposal();
const SUBSCRIBE = 'subscription ($after: String) { statusChanged(after: $after) { seq } }';

async function start(
  limits: Partial<SocketLimits> = {},
  time = { now: 0 },
  viewOf: () => string | null = () => null,
) {
  const toy = createToy(disposal, createMemoryLog(), viewOf);
  const authenticator = createTestAuthenticator();
  const started = await startServer(disposal, {
    graphql: toy.service,
    authenticator,
    limits: { sockets: limits },
    now: () => time.now,
  });
  return {
    ...started,
    toy,
    authenticator,
    open: (options: RawClientOptions = {}) => openRaw(disposal, started.wsUrl, options),
    connect: (key = GOOD_KEY, options: RawClientOptions = {}) =>
      connectClient(disposal, started.wsUrl, key, options),
  };
}

const subscribe = (id: string, query = SUBSCRIBE, variables: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, variables },
});
const seqOf = (message: unknown) =>
  expect.objectContaining({ payload: { data: { statusChanged: { seq: message } } } });

describe('operations over WebSocket', () => {
  it('include queries and mutations', async () => {
    const { connect, toy } = await start();
    const client = await connect();
    client.send(subscribe('q', '{ hello viewer }'));
    expect(await client.receive(1, 'complete')).toEqual([{ id: 'q', type: 'complete' }]);
    expect(client.messages).toContainEqual({
      id: 'q',
      type: 'next',
      payload: { data: { hello: 'hello world', viewer: GOOD_KEY } },
    });
    client.send(subscribe('m', 'mutation { commit(count: 3) }'));
    await client.receive(2, 'complete');
    expect(toy.log.entries).toHaveLength(3);
    expect(toy.held.requests).toBe(0);
  });

  it('may have an empty operationName', async () => {
    const { connect, toy } = await start();
    const client = await connect();
    client.send({ ...subscribe('q'), payload: { query: '{ hello }', operationName: '' } });
    await client.receive(1, 'complete');
    client.send({ ...subscribe('s'), payload: { query: SUBSCRIBE, operationName: '' } });
    await until(() => toy.held.subscriptions === 1);
    toy.commit(1);
    expect(await client.receive(2, 'next')).toContainEqual(seqOf(1));
  });

  it('include subscriptions, which run until the client completes them', async () => {
    const { connect, toy } = await start();
    const client = await connect();
    client.send(subscribe('s', SUBSCRIBE, { after: null }));
    await until(() => toy.held.subscriptions === 1);
    toy.commit(2);
    expect(await client.receive(2, 'next')).toEqual([seqOf(1), seqOf(2)]);
    client.send({ id: 's', type: 'complete' });
    await until(() => toy.held.subscriptions === 0);
    toy.commit(1);
    client.send(subscribe('q', '{ hello }'));
    await client.receive(1, 'complete');
    expect(client.messages.filter(({ id }) => id === 's')).toHaveLength(2);
  });

  it('release their contexts when the client disconnects', async () => {
    const { connect, toy } = await start();
    const client = await connect();
    for (const id of ['a', 'b', 'c']) client.send(subscribe(id));
    await until(() => toy.held.subscriptions === 3);
    client.socket.terminate();
    await until(() => toy.held.subscriptions === 0);
  });

  it.each([
    ['invalid syntax', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', 'subscription { nonsense }', 'GRAPHQL_VALIDATION_FAILED'],
    ['missing variables', 'subscription ($after: Int!) { statusChanged { seq } }', undefined],
    [
      'an invalid cursor',
      'subscription { statusChanged(after: "bm90aGluZw") { seq } }',
      'CURSOR_INVALID',
    ],
    ['a missing right', 'subscription { refused }', 'FORBIDDEN'],
  ])('with %s get an `error`, and the connection stays open', async (_, query, code) => {
    const { connect, toy } = await start();
    const client = await connect();
    client.send(subscribe('bad', query));
    const [error] = await client.receive(1, 'error');
    expect(error).toMatchObject({ id: 'bad', payload: [{ message: expect.any(String) }] });
    if (code) expect(error).toMatchObject({ payload: [{ extensions: { code } }] });
    client.send(subscribe('good', '{ hello }'));
    await client.receive(1, 'complete');
    expect(client.messages.filter(({ type }) => type === 'next')).toHaveLength(1);
    expect(toy.held).toEqual({ requests: 0, subscriptions: 0 });
  });

  it('that resume before the start of the log get CURSOR_EXPIRED with the oldest cursor', async () => {
    const { connect, toy } = await start();
    toy.commit(10);
    toy.log.trim(5);
    const client = await connect();
    client.send(subscribe('s', SUBSCRIBE, { after: Buffer.from('toy:3').toString('base64url') }));
    expect(await client.receive(1, 'error')).toMatchObject([
      {
        payload: [
          {
            extensions: {
              code: 'CURSOR_EXPIRED',
              oldestCursor: encodeCursor('toy', { seq: 5, nonce: 1005 }),
            },
          },
        ],
      },
    ]);
  });

  it('reveal nothing about an unknown error', async () => {
    const { connect } = await start();
    const client = await connect();
    client.send(subscribe('q', '{ secret }'));
    await client.receive(1, 'complete');
    expect(JSON.stringify(client.messages)).not.toContain('passport');
    expect(JSON.stringify(client.messages)).toContain('INTERNAL');
  });

  it('are limited in number until one ends', async () => {
    const { connect, toy } = await start({ maxSubscriptionsPerConnection: 2 });
    const client = await connect();
    client.send(subscribe('a'));
    client.send(subscribe('b'));
    client.send(subscribe('c'));
    expect(await client.receive(1, 'error')).toMatchObject([
      { id: 'c', payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] },
    ]);
    await until(() => toy.held.subscriptions === 2);
    client.send({ id: 'a', type: 'complete' });
    await until(() => toy.held.subscriptions === 1);
    client.send(subscribe('d'));
    await until(() => toy.held.subscriptions === 2);
    expect(client.messages.filter(({ type }) => type === 'error')).toHaveLength(1);
  });
});

describe('an operation ID', () => {
  // Regression: graphql-ws forgets an ID at `complete`, so both operations ran and the client could not distinguish their results.
  it('cannot be reused until its operation has ended, even if the client has completed it', async () => {
    const gates: (() => void)[] = [];
    const { connect, toy } = await start();
    const { openContext } = toy.service;
    toy.service.openContext = async (...operation) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return await openContext(...operation);
    };
    const [client, other] = [await connect(), await connect()];
    for (const each of [client, other]) {
      each.send(subscribe('a', '{ hello }'));
      each.send({ id: 'a', type: 'complete' });
      each.send({ type: 'ping' });
      await each.receive(1, 'pong'); // messages are handled in order, so the ID is completed
    }
    expect(gates).toHaveLength(2);
    client.send(subscribe('a', '{ hello }'));
    expect(await client.closed).toEqual({ code: 4409, reason: expect.stringContaining('ID') });
    expect(client.messages.map(({ type }) => type)).toEqual(['connection_ack', 'pong']);

    for (const open of gates.splice(0)) open();
    await until(() => toy.held.requests === 0);
    other.send({ type: 'ping' });
    await other.receive(2, 'pong');
    other.send(subscribe('a', '{ hello }'));
    await until(() => gates.length === 1);
    gates[0]?.();
    expect(await other.receive(1, 'next')).toEqual([
      { id: 'a', type: 'next', payload: { data: { hello: 'hello world' } } },
    ]);
  });
});

describe('an item that cannot be resolved', () => {
  const FRAGILE = 'subscription ($after: String) { statusChanged(after: $after) { seq: fragile } }';

  it.each([
    ['alone', () => null],
    ['in a group', () => 'everything'],
  ])('while the database is unavailable is sent once it is available, %s', async (_, viewOf) => {
    const { connect, toy } = await start({}, { now: 0 }, viewOf);
    const clients = [await connect(), await connect(), await connect()];
    for (const client of clients) client.send(subscribe('s', FRAGILE));
    await until(() => toy.feed.stats().subscriptions === 3);
    for (let round = 0; round < 10; round += 1) {
      toy.failing.times = 4;
      toy.commit(3);
      for (const client of clients) await client.receive(3 * (round + 1), 'next');
    }
    const sent = Array.from({ length: 30 }, (__, index) => seqOf(index + 1));
    for (const client of clients) {
      expect(client.messages.filter(({ type }) => type !== 'connection_ack')).toEqual(sent);
    }
  });

  it('for too long closes the connection, so that the client resumes', async () => {
    const { connect, toy } = await start({ retryItemMs: 100 });
    const client = await connect();
    client.send(subscribe('s', FRAGILE));
    await until(() => toy.feed.stats().subscriptions === 1);
    toy.commit(1);
    await client.receive(1, 'next');
    toy.failing.times = 1000;
    toy.commit(2);
    expect(await client.closed).toMatchObject({ code: 1013 });
    expect(client.messages.slice(1)).toEqual([seqOf(1)]);
    await until(() => toy.held.subscriptions === 0);
  });

  it('for a permanent reason is sent with its error, without a retry', async () => {
    const { connect, toy } = await start();
    const client = await connect();
    client.send(subscribe('s', FRAGILE));
    await until(() => toy.feed.stats().subscriptions === 1);
    toy.failing.error = new Error('a fault');
    toy.failing.times = 1;
    toy.commit(2);
    const items = await client.receive(2, 'next');
    expect(items[0]).toMatchObject({ payload: { errors: [{ extensions: { code: 'INTERNAL' } }] } });
    expect(items[1]).toEqual(seqOf(2));
  });
});

describe('a subscription that cannot be opened', () => {
  it('while the database is unavailable is opened once it is available', async () => {
    const { connect, toy } = await start();
    toy.refusing.times = 3;
    const client = await connect();
    client.send(subscribe('s'));
    await until(() => toy.feed.stats().subscriptions === 1);
    toy.commit(1);
    expect(await client.receive(1, 'next')).toEqual([seqOf(1)]);
  });

  it('for too long closes the connection, so that the client reconnects', async () => {
    const { connect, toy } = await start({ retryOpeningMs: 100 });
    toy.refusing.times = 1000;
    const client = await connect();
    client.send(subscribe('s'));
    expect(await client.closed).toMatchObject({ code: 1013 });
    expect(client.messages.map(({ type }) => type)).toEqual(['connection_ack']);
    expect(toy.held.subscriptions).toBe(0);
  });
});

describe('the handshake', () => {
  it.each([
    ['`authorization`', { authorization: `Bearer ${GOOD_KEY}` }, {}],
    ['`Authorization`', { Authorization: `Bearer ${GOOD_KEY}` }, {}],
    ['`apiKey`', { apiKey: GOOD_KEY }, {}],
    ['`token`', { token: GOOD_KEY }, {}],
    ['`AUTHORIZATION`', { AUTHORIZATION: GOOD_KEY }, {}],
    ['`headers.Authorization`', { headers: { Authorization: `Bearer ${GOOD_KEY}` } }, {}],
    ['`headers.authorization`', { headers: { authorization: `Bearer ${GOOD_KEY}` } }, {}],
    ['`token` with an empty `authorization`', { authorization: '', token: GOOD_KEY }, {}],
    ['the header of the upgrade request', undefined, { authorization: `Bearer ${GOOD_KEY}` }],
  ])('reads credentials from %s', async (_, payload, headers) => {
    const { open } = await start();
    const client = await open({ headers });
    client.send({ type: 'connection_init', payload });
    await client.receive(1, 'connection_ack');
  });

  it.each([
    ['missing', undefined],
    ['wrong', { apiKey: 'wrong' }],
    ['of a wrong type', { apiKey: 7 }],
    ['in an unknown parameter', { auth: GOOD_KEY }],
    ['in headers that are not an object', { headers: [`authorization: ${GOOD_KEY}`] }],
  ])('closes with 4403 and names the parameter if the credentials are %s', async (_, payload) => {
    const { open } = await start();
    const client = await open();
    client.send({ type: 'connection_init', payload });
    const reason = expect.stringMatching(/^UNAUTHENTICATED: .*connectionParams.*authorization/);
    expect(await client.closed).toEqual({ code: 4403, reason });
  });

  it('closes with 1013 if credentials cannot be looked up', async () => {
    const { open, authenticator } = await start();
    authenticator.fail();
    const client = await open();
    client.send({ type: 'connection_init', payload: { apiKey: GOOD_KEY } });
    const reason = expect.stringMatching(/^STORE_UNAVAILABLE/);
    expect(await client.closed).toEqual({ code: 1013, reason });
  });

  it('closes with 4401 on an operation before `connection_init`', async () => {
    const { open } = await start();
    const client = await open();
    client.send(subscribe('s'));
    const reason = expect.stringContaining('connection_init');
    expect(await client.closed).toEqual({ code: 4401, reason });
  });

  it('times out', async () => {
    const { open } = await start({ initTimeoutMs: 50 });
    expect(await (await open()).closed).toMatchObject({ code: 4408 });
  });

  it.each([null, 'graphql-ws'])('closes with 4406 for the subprotocol %p', async (protocol) => {
    const { wsUrl } = await start();
    const socket = new WebSocket(wsUrl, protocol === null ? [] : [protocol]);
    disposal.defer(() => socket.terminate());
    // A client that requests a subprotocol and gets none closes the connection itself.
    const outcome = await new Promise<unknown>((resolve) => {
      socket
        .once('close', (code) => resolve(code))
        .once('error', (error) => resolve(error.message));
    });
    expect([4406, 'Server sent no subprotocol']).toContain(outcome);
  });

  it('is only available on this path', async () => {
    const { url } = await start();
    const socket = new WebSocket(`${url.replace('http', 'ws')}/elsewhere`, [
      'graphql-transport-ws',
    ]);
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain('404');
  });
});

describe('a connection that misbehaves', () => {
  it('by sending too large a message is closed with 1009', async () => {
    const { connect } = await start();
    const client = await connect();
    client.send(subscribe('s', `{ hello(name: "${'x'.repeat(65 * 1024)}") }`));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('by sending an invalid message is closed with 4400', async () => {
    const { connect } = await start();
    const client = await connect();
    client.send('nonsense');
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  it('by exceeding the limit is rejected until another closes', async () => {
    const { connect, wsUrl } = await start({ maxConnections: 1 });
    const first = await connect();
    const second = new WebSocket(wsUrl, ['graphql-transport-ws']);
    const [error] = await once(second, 'error');
    expect(String(error)).toContain('503');
    first.socket.close();
    await first.closed;
    await connect();
  });

  it('by not answering pings is terminated', async () => {
    const time = { now: 0 };
    const { connect, toy } = await start({ keepAliveMs: 30 }, time);
    const client = await connect(GOOD_KEY, { socket: { autoPong: false } });
    client.send(subscribe('s'));
    await until(() => toy.held.subscriptions === 1);
    const pinged = once(client.socket, 'ping');
    time.now += 30;
    await pinged;
    time.now += 30;
    expect(await client.closed).toMatchObject({ code: 1006 });
    await until(() => toy.held.subscriptions === 0);
  });

  it('by closing during authentication is not revalidated', async () => {
    const { open, connect, authenticator } = await start({ revalidateMs: 5 });
    const { authenticate } = authenticator;
    const lookUps: (() => void)[] = [];
    authenticator.authenticate = (authorization) =>
      new Promise((resolve) => lookUps.push(() => resolve(authenticate(authorization))));
    const leaving = await open();
    leaving.send({ type: 'connection_init', payload: { apiKey: OTHER_KEY } });
    await until(() => lookUps.length === 1);
    leaving.socket.terminate();
    await leaving.closed;
    authenticator.authenticate = authenticate;
    await connect(); // the server has processed the close
    for (const lookUp of lookUps) lookUp();

    const watched: string[][] = [];
    authenticator.findInvalid = async (principals) => {
      watched.push(principals.map((each) => (each.kind === 'API_KEY' ? each.name : '')));
      return new Set();
    };
    await until(() => watched.length > 2);
    expect(watched.at(-1)).toEqual([GOOD_KEY]);
  });

  it('is not terminated if it answers pings', async () => {
    const time = { now: 0 };
    const { connect } = await start({ keepAliveMs: 30 }, time);
    const client = await connect();
    for (let pings = 0; pings < 5; pings += 1) {
      const pinged = once(client.socket, 'ping');
      time.now += 30;
      await pinged; // and answered
      client.socket.ping();
      await once(client.socket, 'pong'); // the answer has arrived
    }
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('may send pings', async () => {
    const { connect } = await start();
    const client = await connect();
    client.socket.ping('are you there');
    const [data] = await once(client.socket, 'pong');
    expect(String(data)).toBe('are you there');
    client.send({ type: 'ping' });
    await client.receive(1, 'pong');
  });

  it('by sending an invalid frame does not affect others', async () => {
    const { connect, port } = await start();
    const other = await connect();
    const socket = connectTcp(port);
    socket.write(
      'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
        'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
    );
    await once(socket, 'data');
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
    await once(socket, 'close');
    other.send(subscribe('q', '{ hello }'));
    await other.receive(1, 'complete');
  });
});

function connectTcp(port: number) {
  const socket = connect(port, '127.0.0.1');
  disposal.defer(() => socket.destroy());
  return socket.resume();
}

describe('credentials that become invalid', () => {
  it('close the connections that use them, and no others', async () => {
    const { connect, authenticator, toy } = await start({ revalidateMs: 20 });
    const [leaving, staying] = [await connect(GOOD_KEY), await connect(OTHER_KEY)];
    leaving.send(subscribe('s'));
    staying.send(subscribe('s'));
    await until(() => toy.held.subscriptions === 2);
    authenticator.revoke(GOOD_KEY);
    expect(await leaving.closed).toMatchObject({ code: 4403 });
    await until(() => toy.held.subscriptions === 1);
    toy.commit(1);
    expect(await staying.receive(1, 'next')).toEqual([seqOf(1)]);
  });
});

describe('a graceful stop', () => {
  it('closes connections with 1012, without completing their subscriptions', async () => {
    const { connect, server, toy } = await start();
    const client = await connect();
    client.send(subscribe('s'));
    await until(() => toy.held.subscriptions === 1);
    await server.close();
    expect(await client.closed).toMatchObject({ code: 1012 });
    expect(client.messages.map(({ type }) => type)).toEqual(['connection_ack']);
    expect(toy.held.subscriptions).toBe(0);
  });

  it('does not wait for a client that does not respond', async () => {
    const { connect, server, port } = await start({ closeGraceMs: 50 });
    const client = await connect();
    client.socket.pause();
    await server.close();
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });
});
