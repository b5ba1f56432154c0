import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { WebhookRequest } from '../../../src/domain/delivery';
import {
  SignatureError,
  StoreUnavailableError,
  UnknownProviderError,
} from '../../../src/domain/errors';
import { UNOBSERVED } from '../../../src/http/io/observer';
import type { Ingest } from '../../../src/http/routes/webhooks';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { connectRaw } from '../../support/raw-http';
import { startServer } from '../../support/start-server';
import { until } from '../../support/until';

const disposal = createDisposal();
const MIB = 1024 * 1024;

interface Seen extends WebhookRequest {
  readonly provider: string;
}

async function start(limits: object = {}, fail?: Error) {
  const seen: Seen[] = [];
  const ingest: Ingest = async (provider, request) => {
    if (fail) throw fail;
    seen.push({ provider, ...request });
    return { deliveryId: 7, disposition: 'STALE', duplicate: true, changes: 0 };
  };
  return { seen, ...(await startServer(disposal, { ingest, limits: { http: limits } })) };
}

describe('a webhook', () => {
  it('is passed on byte for byte, and the response has its disposition', async () => {
    const { url, seen } = await start();
    const body = randomBytes(10_000);
    const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual({ deliveryId: 7, disposition: 'STALE', duplicate: true });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.provider).toBe('sumsub');
    expect(seen[0]?.rawBody.equals(body)).toBe(true);
    expect(seen[0]?.subpath).toBe('');
  });

  it.each([
    ['/webhooks/p100/webhook/kyc-verification/status', 'p100', 'webhook/kyc-verification/status'],
    ['/webhooks/paycaddy/s%2Fe%20cret', 'paycaddy', 's/e cret'],
    ['/webhooks/paycaddy/', 'paycaddy', ''],
    ['/webhooks/p100/a?b=c', 'p100', 'a'],
  ])('at %s has its path decoded', async (path, provider, subpath) => {
    const { url, seen } = await start();
    await fetch(url + path, { method: 'POST', body: '{}' });
    expect(seen).toEqual([expect.objectContaining({ provider, subpath })]);
  });

  it('has its header names in lower case and repeated headers joined', async () => {
    const { port, seen } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nX-PAYLOAD-Digest: a\r\nx-payload-digest: b\r\n' +
        'Authorization: one\r\nAuthorization: two\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    );
    await raw.ended;
    expect(seen[0]?.headers).toMatchObject({
      'x-payload-digest': 'a, b',
      authorization: 'one, two',
    });
  });

  it('may be chunked', async () => {
    const { port, seen } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(
      'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
    );
    raw.write('3\r\nabc\r\n');
    raw.write('4\r\ndefg\r\n0\r\n\r\n');
    expect(await raw.ended).toMatch(/^HTTP\/1.1 200 /);
    expect(seen[0]?.rawBody.toString()).toBe('abcdefg');
  });

  it('may have the maximum size', async () => {
    const { url, seen } = await start();
    const body = Buffer.alloc(MIB, 'x');
    expect((await fetch(`${url}/webhooks/sumsub`, { method: 'POST', body })).status).toBe(200);
    expect(seen[0]?.rawBody.length).toBe(MIB);
  });

  it.each([
    [
      'not authentic',
      new SignatureError('SIGNATURE_MISSING', 'a digest is missing'),
      401,
      'SIGNATURE_INVALID',
    ],
    ['for an unknown provider', new UnknownProviderError(), 404, 'PROVIDER_UNKNOWN'],
    ['not stored', new StoreUnavailableError(), 503, 'STORE_UNAVAILABLE'],
    ['the cause of an internal error', new TypeError('oops'), 500, 'INTERNAL'],
  ])('that is %s gets the error response', async (_, error, status, code) => {
    const { url } = await start({}, error);
    const answer = await fetch(`${url}/webhooks/x`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code } });
  });

  // Regression: NUL in a path reached PostgreSQL, which cannot store it, and the response was 500.
  it.each(['%ff', '%', '%zz', '%ed%a0%80', 'a%00b', '%00'])(
    'gets 404 with the path %s',
    async (path) => {
      const { port, seen } = await start();
      const raw = connectRaw(disposal, port);
      raw.write(
        `POST /webhooks/p100/${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      expect(await raw.ended).toMatch(/^HTTP\/1.1 404 /);
      expect(seen).toEqual([]);
    },
  );

  it('must be sent by POST', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/webhooks/sumsub`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });
});

describe('a rejected webhook', () => {
  it('is logged and counted with the reason, without its content', async () => {
    const { log, lines } = createRecordedLog();
    const counted: string[][] = [];
    const observer = {
      ...UNOBSERVED,
      signatureRejected: (...reason: string[]) => void counted.push(reason),
    };
    const ingest: Ingest = async () => {
      throw new SignatureError('NO_MATCHING_SECRET', 'a digest is missing');
    };
    const access = { providers: new Set(['sumsub']) };
    const { url } = await startServer(disposal, { ingest, log, observer, access });
    const headers = { authorization: 'hunter2' };
    await fetch(`${url}/webhooks/sumsub/hunter2`, { method: 'POST', headers, body: 'hunter2' });
    await fetch(`${url}/webhooks/hunter2`, { method: 'POST', headers, body: 'hunter2' });
    expect(counted).toEqual([['sumsub', 'NO_MATCHING_SECRET']]);
    const rejection = (provider: string, reason: string) =>
      expect.objectContaining({ provider, reason, address: '127.0.0.1' });
    expect(lines).toContainEqual(rejection('sumsub', 'NO_MATCHING_SECRET'));
    expect(lines).toContainEqual(rejection('unknown', 'PROVIDER_UNKNOWN'));
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});

describe('a rejected body', () => {
  it('is not read if Content-Length exceeds the limit', async () => {
    const { port, seen } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(`POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: ${MIB + 1}\r\n\r\n`);
    const answer = await raw.ended;
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toMatch(/connection: close/i);
    expect(seen).toEqual([]);
  });

  it('is not read further once it exceeds the limit', async () => {
    const { port, seen } = await start();
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = 'x'.repeat(0x10000);
    for (let sent = 0; sent < 17; sent += 1) raw.write(`10000\r\n${chunk}\r\n`);
    expect(await raw.ended).toMatch(/^HTTP\/1.1 413 /);
    expect(seen).toEqual([]);
  });

  it('does not prevent a client that sends it anyway from reading the response', async () => {
    const { url } = await start();
    const body = Buffer.alloc(8 * MIB, 'x');
    const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', body });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ error: { code: 'BODY_TOO_LARGE' } });
  });

  it('gets 415 if it is compressed and the signature does not match', async () => {
    const { url } = await start(
      {},
      new SignatureError('NO_MATCHING_SECRET', 'a digest is missing'),
    );
    const headers = { 'content-encoding': 'gzip' };
    const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', headers, body: 'x' });
    expect(answer.status).toBe(415);
  });

  // Regression: the response was 415 for any label except `identity`, even with a valid signature.
  it.each(['identity', 'IDENTITY', 'utf-8', 'UTF-8', '', 'binary', 'gzip'])(
    'is not one with a valid signature and the Content-Encoding "%s"',
    async (label) => {
      const { url, seen } = await start();
      const headers = { 'content-encoding': label };
      const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', headers, body: 'x' });
      expect(answer.status).toBe(200);
      expect(String(seen[0]?.rawBody)).toBe('x');
    },
  );

  it('gets 408 if it stops arriving', async () => {
    const { port, seen } = await start({ bodyIdleMs: 50 });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    expect(await raw.ended).toMatch(/^HTTP\/1.1 408 /);
    expect(seen).toEqual([]);
  });

  it.each([
    ['limit for bodies', { bodyTimeoutMs: 300 }],
    ['limit for requests', { requestTimeoutMs: 300, headersTimeoutMs: 200 }],
  ])('gets 408 if it trickles past the %s', async (_, limits) => {
    const { port, seen } = await start(limits);
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
    const drip = setInterval(() => raw.write('x'), 20);
    disposal.defer(() => clearInterval(drip));
    expect(await raw.ended).toMatch(/^HTTP\/1.1 408 .*"code":"\w+"/s);
    expect(seen).toEqual([]);
  });
});

describe('a sender that disconnects', () => {
  it('in the middle of a body does not affect other requests', async () => {
    const { port, url, seen } = await start();
    const socket = createConnection(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.resetAndDestroy();
    const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(200);
    expect(seen).toHaveLength(1);
  });

  it('or stops in the middle of the headers gets 408', async () => {
    const { port } = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHos');
    expect(await raw.ended).toMatch(/^HTTP\/1.1 408 /);
  });

  it('before the response still has its delivery stored', async () => {
    const stored: string[] = [];
    let store = () => {};
    const ingest: Ingest = async (provider) => {
      await new Promise<void>((resolve) => {
        store = resolve;
      });
      stored.push(provider);
      return { deliveryId: 1, disposition: 'APPLIED', duplicate: false, changes: 1 };
    };
    const { port, url } = await startServer(disposal, { ingest });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    const before = store;
    await until(() => store !== before);
    raw.socket.destroy();
    await raw.ended;
    store();
    await until(() => stored.length === 1);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
