/** Invalid WebSocket messages: each closes the connection and logs at most one line. */

import { GOOD_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { connectClient, openRaw } from '../../support/raw-ws';
import { startServer } from '../../support/start-server';
import { until } from '../../support/until';

const disposal = createDisposal();

/** Starts a server with a stopped clock, so that rate limits do not depend on the machine. */
async function start() {
  const { log, lines } = createRecordedLog();
  const started = await startServer(disposal, { log, now: () => 0 });
  const warned = () => lines.filter(({ level }) => level === 'warn' || level === 'error');
  return { ...started, warned };
}

describe('invalid messages before authentication', () => {
  it.each<[string, string, number]>([
    ['MALFORMED', '{', 4400],
    ['MALFORMED', '[]', 4400],
    ['TOO_DEEP', `{"type":"ping","payload":${'{"a":'.repeat(64)}1${'}'.repeat(64)}}`, 4400],
    ['UNEXPECTED_TYPE', '{"type":"connection_ack"}', 4400],
    ['UNEXPECTED_TYPE', '{"type":"next","id":"a","payload":{}}', 4400],
    ['UNEXPECTED_TYPE', '{"type":"error","id":"a","payload":[{"message":"a"}]}', 4400],
    ['MALFORMED', '{"type":7}', 4400],
    ['NOT_ACKNOWLEDGED', '{"type":"subscribe","id":"a","payload":{"query":"{hello}"}}', 4401],
  ])('are logged in one line without a stack: %s, %s', async (fault, message, code) => {
    const { wsUrl, warned } = await start();
    const client = await openRaw(disposal, wsUrl);
    client.send(message);
    expect((await client.closed).code).toBe(code);
    expect(warned()).toMatchObject([
      { level: 'warn', entryPoint: 'websocket', address: '127.0.0.1', fault },
    ]);
    expect(warned()[0]).not.toHaveProperty('err');
  });

  it('are rejected at the first, and are not parsed if too deep', async () => {
    const { wsUrl, warned } = await start();
    const client = await openRaw(disposal, wsUrl);
    const parse = jest.spyOn(JSON, 'parse');
    const payload = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    for (let index = 0; index < 200; index += 1) {
      client.send(`{"type":"ping","payload":${payload}}`);
    }
    expect((await client.closed).code).toBe(4400);
    expect(parse.mock.calls.filter(([text]) => text.includes(payload))).toEqual([]);
    parse.mockRestore();
    expect(client.messages).toEqual([]);
    expect(warned()).toMatchObject([{ level: 'warn', fault: 'TOO_DEEP' }]);
  });

  it('do not fill the log', async () => {
    const { wsUrl, warned } = await start();
    for (let index = 0; index < 150; index += 1) {
      const client = await openRaw(disposal, wsUrl);
      client.send('{"type":"next","id":"a","payload":{}}');
      await client.closed;
    }
    expect(warned()).toHaveLength(100);
    expect(warned().filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a message of an authenticated client', () => {
  it('may be nested up to the limit', async () => {
    const { wsUrl } = await start();
    const client = await connectClient(disposal, wsUrl, GOOD_KEY);
    const payload = `${'{"a":'.repeat(62)}"[[{{"${'}'.repeat(62)}`;
    client.send(`{"type":"ping","payload":${payload}}`);
    const [pong] = await client.receive(1, 'pong');
    expect(JSON.stringify(pong?.payload)).toBe(payload);
  });
});

describe('many messages on one connection', () => {
  it('are handled one per turn, so that other clients are served in between', async () => {
    const { wsUrl } = await start();
    const busy = await connectClient(disposal, wsUrl, GOOD_KEY);
    const other = await connectClient(disposal, wsUrl, GOOD_KEY);
    const order: string[] = [];
    busy.socket.on('message', () => order.push('busy'));
    other.socket.on('message', () => order.push('other'));
    for (let index = 0; index < 500; index += 1) busy.send({ type: 'ping' });
    other.send({ type: 'ping' });
    await until(() => order.length === 501);
    expect(order.indexOf('other')).toBeLessThan(250);
  });
});
