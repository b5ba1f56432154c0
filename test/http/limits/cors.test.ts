/** CORS policy, and the origin check of WebSockets. */

import { WebSocket } from 'ws';
import type { ClientAccess } from '../../../src/http/limits/limits';
import { GOOD_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { startServer } from '../../support/start-server';

const disposal = createDisposal();
const APP = 'https://app.example.test';
const WEB_VIEWS = [
  'capacitor://localhost',
  'ionic://localhost',
  'tauri://localhost',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://1f3e6b2c-5a9d-4c1e-8f00-0a1b2c3d4e5f',
];

async function start(access: Partial<ClientAccess> = {}) {
  const { log, lines } = createRecordedLog();
  const { url, wsUrl } = await startServer(disposal, { log, access });
  const rejections = () => lines.filter(({ setting }) => setting === 'ALLOWED_ORIGINS');

  async function preflight(origin: string, names?: string) {
    const headers = { origin, 'access-control-request-method': 'POST' };
    const requested = names === undefined ? {} : { 'access-control-request-headers': names };
    const answer = await fetch(`${url}/graphql`, {
      method: 'OPTIONS',
      headers: { ...headers, ...requested },
    });
    return Object.fromEntries(answer.headers);
  }

  /** Returns 101, or the status that rejects the upgrade. */
  async function upgrade(headers: Readonly<Record<string, string>>): Promise<number> {
    const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { headers });
    disposal.defer(() => socket.terminate());
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
      socket.once('error', reject);
    });
  }

  return { url, rejections, preflight, upgrade };
}

describe('a preflight', () => {
  it('allows the headers that an allowed page requests', async () => {
    const { preflight } = await start({ allowedOrigins: [APP] });
    const names =
      'apollographql-client-name,apollographql-client-version,authorization,baggage,content-type,' +
      'sentry-trace,traceparent,tracestate,x-apollo-operation-name,x-request-id';
    expect(await preflight(APP, names)).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': names,
      'access-control-max-age': '7200',
      vary: 'Origin, Access-Control-Request-Headers',
    });
  });

  it.each([
    ['no headers', undefined],
    ['too many headers', `${'x-a,'.repeat(600)}x-a`],
    ['malformed names', 'authorization; a=b'],
  ])('allows the default headers if the page requests %s', async (_, names) => {
    const { preflight } = await start({ allowedOrigins: [APP] });
    const { 'access-control-allow-headers': allowed } = await preflight(APP, names);
    expect(allowed).toBe('authorization, content-type, apollo-require-preflight');
  });

  it.each(WEB_VIEWS)('is accepted from the origin %s if it is allowed', async (origin) => {
    const { preflight } = await start({ allowedOrigins: [origin] });
    expect(await preflight(origin)).toMatchObject({ 'access-control-allow-origin': origin });
    const other = origin.replace(/.$/, 'x');
    expect(await preflight(other)).not.toHaveProperty('access-control-allow-origin');
  });

  it('allows nothing for another page and logs the name of the setting', async () => {
    const { preflight, rejections } = await start({ allowedOrigins: [APP] });
    const headers = await preflight('https://other.example.test', 'authorization');
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(rejections()).toMatchObject([
      { level: 'warn', origin: 'https://other.example.test', setting: 'ALLOWED_ORIGINS' },
    ]);
  });

  it('does not fill the log', async () => {
    const { preflight, rejections } = await start();
    for (let index = 0; index < 150; index += 1) await preflight(`https://${index}.example.test`);
    expect(rejections().length).toBeLessThan(150);
  });

  it('logs only scheme, host and port of an origin', async () => {
    const { preflight, rejections } = await start();
    for (const origin of ['https://ada:secret@a.example/ada?x=ada', 'ada', 'null']) {
      await preflight(origin);
    }
    expect(rejections().map(({ origin }) => origin)).toEqual([
      'https://a.example',
      'malformed',
      'null',
    ]);
  });
});

describe('a response', () => {
  it('exposes Retry-After to an allowed page', async () => {
    const { url } = await start({ allowedOrigins: [APP] });
    const answer = await fetch(`${url}/graphql?query={hello}`, {
      headers: { origin: APP, authorization: `Bearer ${GOOD_KEY}` },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP);
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'retry-after, www-authenticate',
    );
    expect(answer.headers.get('vary')).toContain('Origin');
  });
});

describe('pages of this machine', () => {
  const LOCAL = ['http://localhost:5173', 'http://127.0.0.1:3000', 'https://[::1]:8443'];

  it.each(LOCAL)('at %s are allowed in development', async (origin) => {
    const { preflight, upgrade } = await start({ allowLocalOrigins: true });
    expect(await preflight(origin)).toMatchObject({ 'access-control-allow-origin': origin });
    expect(await upgrade({ origin })).toBe(101);
  });

  it.each(LOCAL)('at %s are rejected otherwise', async (origin) => {
    const { preflight, upgrade } = await start();
    expect(await preflight(origin)).not.toHaveProperty('access-control-allow-origin');
    expect(await upgrade({ origin })).toBe(403);
  });

  it.each([
    'http://localhost.evil.example',
    'http://evil.example:80',
    'http://127.0.0.1.evil.example',
  ])('do not include those at %s', async (origin) => {
    const { upgrade } = await start({ allowLocalOrigins: true });
    expect(await upgrade({ origin })).toBe(403);
  });
});

describe('a WebSocket of the gateway’s own page', () => {
  const origin = 'https://kyc.example.test';

  it.each(['kyc.example.test', 'kyc.example.test:443', 'KYC.example.test'])(
    'is accepted with the Host header %s',
    async (host) => {
      const { upgrade } = await start();
      expect(await upgrade({ origin, host })).toBe(101);
    },
  );

  it.each(['upstream:4000', 'kyc.example.test:8443', 'kyc.example.test.evil.example', ''])(
    'is rejected with the Host header %j',
    async (host) => {
      const { upgrade, rejections } = await start();
      expect(await upgrade({ origin, host })).toBe(403);
      expect(rejections()).toHaveLength(1);
    },
  );

  it('is rejected if the page has a port and the Host header has none', async () => {
    const { upgrade } = await start();
    expect(await upgrade({ origin: `${origin}:8443`, host: 'kyc.example.test' })).toBe(403);
  });

  it('is accepted on any port behind a trusted proxy that drops the port', async () => {
    const { upgrade } = await start({ trustedProxies: 1 });
    expect(await upgrade({ origin: `${origin}:8443`, host: 'kyc.example.test' })).toBe(101);
    expect(await upgrade({ origin: `${origin}:8443`, host: 'kyc.example.test:443' })).toBe(403);
  });

  it('is accepted behind a trusted proxy that forwards the host', async () => {
    const forwarded = { origin, host: 'upstream:4000', 'x-forwarded-host': 'kyc.example.test' };
    const { upgrade } = await start({ trustedProxies: 1 });
    expect(await upgrade(forwarded)).toBe(101);
    expect(await upgrade({ ...forwarded, 'x-forwarded-host': 'a.example, kyc.example.test' })).toBe(
      101,
    );
    expect(await upgrade({ ...forwarded, 'x-forwarded-host': 'other.example.test' })).toBe(403);
    const { upgrade: withoutProxy } = await start();
    expect(await withoutProxy(forwarded)).toBe(403);
  });
});
