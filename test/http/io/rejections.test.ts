import { METHODS } from 'node:http';
import { createDisposal } from '../../support/disposal';
import { connectRaw } from '../../support/raw-http';
import { startServer } from '../../support/start-server';
import { until } from '../../support/until';

const disposal = createDisposal();
const MIB = 1024 * 1024;

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

const ALLOWED: Readonly<Record<string, string>> = {
  '/webhooks/sumsub': 'POST',
  '/graphql': 'GET, HEAD, POST, OPTIONS',
  '/healthz': 'GET, HEAD',
  '/readyz': 'GET, HEAD',
};

describe.each(Object.entries(ALLOWED))('%s', (path, allowed) => {
  const unsupported = [...METHODS, 'FOO'].filter((method) => !allowed.includes(method));

  // Regression: every such response closed the connection.
  it('responds 405 to other methods, discards their bodies and keeps the connection', async () => {
    const { port } = await startServer(disposal);
    const known = unsupported.filter((method) => method !== 'CONNECT' && method !== 'FOO');
    const raw = connectRaw(disposal, port);
    for (const [index, method] of known.entries()) {
      raw.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello`);
      await until(() => statuses(raw.received()).length === index + 1);
    }
    expect(new Set(statuses(raw.received()))).toEqual(new Set([405]));
    expect(raw.received()).toContain(`allow: ${allowed}\r\n`);
    expect(raw.received()).not.toMatch(/connection: close/i);
  });

  it.each([
    ['that Node.js does not know', `FOO ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 405],
    [
      'with a body that has no length',
      `DELETE ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{"a":1}`,
      405,
    ],
    ['that opens a tunnel', 'CONNECT kyc.internal:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  ])('responds to a method %s, then closes', async (_, text, status) => {
    const { port } = await startServer(disposal);
    const raw = connectRaw(disposal, port);
    raw.write(text);
    const answer = await raw.ended;
    expect(statuses(answer)).toEqual([status]);
    expect(answer).toMatch(/^allow: GET|^allow: POST/im);
  });
});

describe('a rejected request with an unread body', () => {
  it.each([
    ['404', 'POST /nothing', ''],
    ['401', 'POST /graphql', ''],
    ['405', 'DELETE /webhooks/sumsub', ''],
    ['415', 'POST /graphql', 'Authorization: Bearer good-key\r\nContent-Encoding: gzip\r\n'],
  ])(
    'gets %s and keeps the connection, for a body with a length and for a chunked one',
    async (status, line, headers) => {
      const { port } = await startServer(disposal);
      const raw = connectRaw(disposal, port);
      const piece = 'x'.repeat(100_000);
      raw.write(`${line} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: 200000\r\n\r\n${piece}`);
      await until(() => statuses(raw.received()).length === 1);
      raw.write(piece);
      raw.write(
        `${line} HTTP/1.1\r\nHost: x\r\n${headers}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
      );
      await until(() => statuses(raw.received()).length === 2);
      raw.write('0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      expect(statuses(await raw.ended)).toEqual([Number(status), Number(status), 200]);
    },
  );

  it('gets a response that is readable after the client has sent 8 MiB', async () => {
    const { url } = await startServer(disposal);
    const body = Buffer.alloc(8 * MIB, 'x');
    for (const path of ['/nothing', '/graphql', '/healthz', '/webhooks/sumsub']) {
      const answer = await fetch(url + path, { method: 'POST', body });
      expect([404, 401, 405, 413]).toContain(answer.status);
      expect(await answer.text()).toMatch(/"code":"[A-Z_]+"/);
    }
  });

  it('closes the connection if the body does not end', async () => {
    const { port } = await startServer(disposal);
    const raw = connectRaw(disposal, port);
    raw.write('POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const flood = setInterval(() => raw.write(chunk.repeat(8)), 1);
    disposal.defer(() => clearInterval(flood));
    expect(statuses(await raw.ended)).toEqual([404]);
  });
});

describe('a request that cannot be parsed', () => {
  it.each([
    ['is not HTTP', '\x16\x03\x01 hello\r\n\r\n', 400],
    [
      'has headers that are too large',
      `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    [
      'has two lengths',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
      400,
    ],
    [
      'breaks off within a chunk',
      'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n',
      400,
    ],
  ])('because it %s gets a response, then the connection is closed', async (_, text, status) => {
    const { port } = await startServer(disposal);
    const raw = connectRaw(disposal, port);
    raw.write(text);
    const answer = await raw.ended;
    expect(statuses(answer)).toEqual([status]);
    expect(answer).toMatch(/"code":"REQUEST_UNREADABLE"/);
  });

  it('gets its response after those to earlier requests', async () => {
    const { port } = await startServer(disposal);
    const raw = connectRaw(disposal, port);
    raw.write(
      'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}\x16\x03\x01\r\n\r\n',
    );
    expect(statuses(await raw.ended)[0]).toBe(200);
  });
});

describe('a target in absolute form', () => {
  // Regression: the response was 404, although RFC 9112 requires servers to accept this form.
  it.each([
    ['POST', 'http://kyc.internal/webhooks/sumsub'],
    ['POST', 'HTTPS://kyc.internal:8443/webhooks/sumsub?a=b'],
    ['GET', 'http://kyc.internal/healthz'],
    ['GET', 'http://[::1]:4000/readyz'],
  ])('is served like its path: %s %s', async (method, target) => {
    const { port } = await startServer(disposal);
    const raw = connectRaw(disposal, port);
    raw.write(
      `${method} ${target} HTTP/1.1\r\nHost: other\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    );
    expect(statuses(await raw.ended)).toEqual([200]);
  });

  it.each([
    'http://kyc.internal',
    'http://kyc.internal?a',
    'ftp://kyc.internal/healthz',
    'healthz',
    '*',
    '//healthz',
  ])('without a matching resource is rejected: %s', async (target) => {
    const { port } = await startServer(disposal);
    const raw = connectRaw(disposal, port);
    raw.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(statuses(await raw.ended)[0]).toBeGreaterThanOrEqual(400);
  });
});

describe('an idle connection', () => {
  // Regression: it was closed after 5 s, before load balancers close theirs, so they sent webhooks on closed connections.
  it('stays open for longer than common load balancers keep it', async () => {
    const { url } = await startServer(disposal);
    const answer = await fetch(`${url}/healthz`);
    const [, seconds] = /timeout=(\d+)/.exec(answer.headers.get('keep-alive') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(65);
  });

  it('stays open for the configured time', async () => {
    const { url } = await startServer(disposal, { limits: { http: { keepAliveMs: 600_000 } } });
    expect((await fetch(`${url}/healthz`)).headers.get('keep-alive')).toBe('timeout=600');
  });
});
