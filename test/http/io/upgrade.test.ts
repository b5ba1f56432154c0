import type { Ingest } from '../../../src/http/routes/webhooks';
import { createDisposal } from '../../support/disposal';
import { connectRaw } from '../../support/raw-http';
import { startServer } from '../../support/start-server';
import { until } from '../../support/until';

const disposal = createDisposal();

const H2C =
  'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
const HANDSHAKE =
  'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n';
const post = (headers: string, body: string) =>
  `POST /webhooks/sumsub HTTP/1.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

async function start(limits: object = {}) {
  const bodies: string[] = [];
  const held: (() => void)[] = [];
  const ingest: Ingest = async (_, { rawBody, subpath }) => {
    bodies.push(String(rawBody));
    if (subpath === 'held') await new Promise<void>((resolve) => held.push(resolve));
    return { deliveryId: 1, disposition: 'APPLIED', duplicate: false, changes: 1 };
  };
  const started = await startServer(disposal, { ingest, limits: { http: limits } });
  return { ...started, bodies, held };
}

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('an offer of another protocol', () => {
  // Regression: the response was 404 or 405, and the body was lost. The JDK's HTTP client and `curl --http2` always send an offer.
  it.each([
    ['h2c', H2C],
    ['TLS', 'Host: x\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n'],
    [
      'several',
      'Host: x\r\nConnection: keep-alive, UPGRADE\r\nUPGRADE: TLS/1.0, HTTP/2.0, foo\r\n',
    ],
    ['a WebSocket on another path', 'Host: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n'],
  ])('(%s) is ignored', async (_, headers) => {
    const { port, bodies } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(post(headers, '{"a":1}'));
    await until(() => raw.received().includes('APPLIED'));
    expect(bodies).toEqual(['{"a":1}']);
    expect(raw.received()).not.toMatch(/connection: close/i);
    raw.write(`GET /healthz HTTP/1.1\r\n${headers}\r\n`);
    await until(() => raw.received().includes('"ok"'));
    expect(statuses(raw.received())).toEqual([200, 200]);
  });

  it('is ignored with a chunked body, and with a body in several segments', async () => {
    const { port, bodies } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      `POST /webhooks/sumsub HTTP/1.1\r\n${H2C}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    );
    raw.write('2\r\nde\r\n0\r\n\r\n');
    await until(() => bodies.length === 1);
    raw.write(`POST /webhooks/sumsub HTTP/1.1\r\n${H2C}Content-Length: 6\r\n\r\nfg`);
    await until(() => statuses(raw.received()).length === 1);
    raw.write('hijk');
    await until(() => statuses(raw.received()).length === 2);
    expect(bodies).toEqual(['abcde', 'fghijk']);
  });

  // Regression: Node.js emits `upgrade` while earlier responses are pending, and drops pipelined requests after the offer.
  it('is ignored among pipelined requests, whose responses keep their order', async () => {
    const { port, held } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      [
        'POST /webhooks/sumsub/held HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}',
        `GET /healthz HTTP/1.1\r\n${H2C}\r\n`,
        post(H2C, '{}'),
        'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n',
        `GET /healthz HTTP/1.1\r\n${H2C}\r\n`,
      ].join(''),
    );
    await until(() => held.length === 1);
    held[0]?.();
    await until(() => statuses(raw.received()).length === 5);
    expect(statuses(raw.received())).toEqual([200, 200, 200, 404, 200]);
    expect(raw.received()).toMatch(/APPLIED.*"ok".*APPLIED.*NOT_FOUND.*"ok"/s);
  });

  it('is ignored a thousand times in one segment', async () => {
    const { port } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n'.repeat(1_000),
    );
    await until(() => statuses(raw.received()).length === 1_000);
    expect(new Set(statuses(raw.received()))).toEqual(new Set([200]));
  });

  it('does not keep a connection open that the client wants to close', async () => {
    const { port } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n',
    );
    expect(statuses(await raw.ended)).toEqual([200]);
  });

  it('does not affect other clients if its client resets the connection', async () => {
    const { port, url, held } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      `POST /webhooks/sumsub/held HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET /healthz HTTP/1.1\r\n${H2C}\r\n`,
    );
    await until(() => held.length === 1);
    raw.socket.resetAndDestroy();
    await raw.ended;
    held[0]?.();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('times out if its body does not arrive', async () => {
    const { port } = await start({ bodyIdleMs: 50 });
    const raw = connectRaw(disposal, port);
    raw.write(`POST /webhooks/sumsub HTTP/1.1\r\n${H2C}Content-Length: 6\r\n\r\nfg`);
    expect(statuses(await raw.ended)).toEqual([408]);
  });
});

describe('an offer of a WebSocket', () => {
  it.each([
    ['in any letter case', '/graphql', 'Upgrade: WebSocket\r\n'],
    ['among other protocols', '/graphql', 'Upgrade: h2c, websocket\r\n'],
    ['for a target in absolute form', 'http://kyc.internal/graphql', 'Upgrade: websocket\r\n'],
  ])('is accepted %s', async (_, target, upgrade) => {
    const { port, server } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${HANDSHAKE}${upgrade}\r\n`);
    await until(() => server.openSockets() === 1 && raw.received() !== '');
    expect(statuses(raw.received())).toEqual([101]);
  });

  it('waits for the responses to earlier requests', async () => {
    const { port, held, server } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      `POST /webhooks/sumsub/held HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET /graphql HTTP/1.1\r\nHost: x\r\n${HANDSHAKE}Upgrade: websocket\r\n\r\n`,
    );
    await until(() => held.length === 1);
    expect(server.openSockets()).toBe(0);
    held[0]?.();
    await until(() => server.openSockets() === 1 && statuses(raw.received()).length === 2);
    expect(statuses(raw.received())).toEqual([200, 101]);
  });
});
