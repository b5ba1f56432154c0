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
  it('is handed on byte for byte and answered with what became of it', async () => {
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

  it('may come in chunks', async () => {
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

  it('may be exactly as large as allowed', async () => {
    const { url, seen } = await start();
    const body = Buffer.alloc(MIB, 'x');
    expect((await fetch(`${url}/webhooks/sumsub`, { method: 'POST', body })).status).toBe(200);
    expect(seen[0]?.rawBody.length).toBe(MIB);
  });

  it.each([
    [
      'not authentic',
      new SignatureError('SIGNATURE_MISSING', 'expected a digest'),
      401,
      'SIGNATURE_INVALID',
    ],
    ['for nobody', new UnknownProviderError(), 404, 'PROVIDER_UNKNOWN'],
    ['not kept', new StoreUnavailableError(), 503, 'STORE_UNAVAILABLE'],
    ['met by a fault of ours', new TypeError('oops'), 500, 'INTERNAL'],
  ])('that is %s is answered so', async (_, error, status, code) => {
    const { url } = await start({}, error);
    const answer = await fetch(`${url}/webhooks/x`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code } });
  });

  // Regression: NUL in a path reached PostgreSQL, which cannot store it, and was answered 500.
  it.each(['%ff', '%', '%zz', '%ed%a0%80', 'a%00b', '%00'])(
    'under the path %s is not found',
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

  it('takes no other method', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/webhooks/sumsub`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });
});

describe('a webhook that is refused', () => {
  it('leaves its reason in the log and in the count, and nothing of what it showed', async () => {
    const { log, lines } = createRecordedLog();
    const counted: string[][] = [];
    const observer = {
      ...UNOBSERVED,
      signatureRejected: (...reason: string[]) => void counted.push(reason),
    };
    const ingest: Ingest = async () => {
      throw new SignatureError('NO_MATCHING_SECRET', 'expected a digest');
    };
    const access = { providers: new Set(['sumsub']) };
    const { url } = await startServer(disposal, { ingest, log, observer, access });
    const headers = { authorization: 'hunter2' };
    await fetch(`${url}/webhooks/sumsub/hunter2`, { method: 'POST', headers, body: 'hunter2' });
    await fetch(`${url}/webhooks/hunter2`, { method: 'POST', headers, body: 'hunter2' });
    expect(counted).toEqual([['sumsub', 'NO_MATCHING_SECRET']]);
    const refusal = (provider: string, reason: string) =>
      expect.objectContaining({ provider, reason, address: '127.0.0.1' });
    expect(lines).toContainEqual(refusal('sumsub', 'NO_MATCHING_SECRET'));
    expect(lines).toContainEqual(refusal('unknown', 'PROVIDER_UNKNOWN'));
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});

describe('a body that is refused', () => {
  it('for its announced size is not read', async () => {
    const { port, seen } = await start();
    const raw = connectRaw(disposal, port);
    raw.write(`POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: ${MIB + 1}\r\n\r\n`);
    const answer = await raw.ended;
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toMatch(/connection: close/i);
    expect(seen).toEqual([]);
  });

  it('for its real size is not read on', async () => {
    const { port, seen } = await start();
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = 'x'.repeat(0x10000);
    for (let sent = 0; sent < 17; sent += 1) raw.write(`10000\r\n${chunk}\r\n`);
    expect(await raw.ended).toMatch(/^HTTP\/1.1 413 /);
    expect(seen).toEqual([]);
  });

  it('lets a client that sends it anyway read the answer', async () => {
    const { url } = await start();
    const body = Buffer.alloc(8 * MIB, 'x');
    const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', body });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ error: { code: 'BODY_TOO_LARGE' } });
  });

  it('is one that fails its proof and is compressed: a proxy has compressed it after it was signed', async () => {
    const { url } = await start({}, new SignatureError('NO_MATCHING_SECRET', 'expected a digest'));
    const headers = { 'content-encoding': 'gzip' };
    const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', headers, body: 'x' });
    expect(answer.status).toBe(415);
  });

  // Regression: any label but `identity` was answered 415, whatever the proof said.
  it.each(['identity', 'IDENTITY', 'utf-8', 'UTF-8', '', 'binary', 'gzip'])(
    'is not one whose proof holds, with the Content-Encoding "%s"',
    async (label) => {
      const { url, seen } = await start();
      const headers = { 'content-encoding': label };
      const answer = await fetch(`${url}/webhooks/sumsub`, { method: 'POST', headers, body: 'x' });
      expect(answer.status).toBe(200);
      expect(String(seen[0]?.rawBody)).toBe('x');
    },
  );

  it('is one that stops coming', async () => {
    const { port, seen } = await start({ bodyIdleMs: 50 });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    expect(await raw.ended).toMatch(/^HTTP\/1.1 408 /);
    expect(seen).toEqual([]);
  });

  it.each([
    ['for a body', { bodyTimeoutMs: 300 }],
    ['for a request', { requestTimeoutMs: 300, headersTimeoutMs: 200 }],
  ])('is one that trickles past the time %s', async (_, limits) => {
    const { port, seen } = await start(limits);
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
    const drip = setInterval(() => raw.write('x'), 20);
    disposal.defer(() => clearInterval(drip));
    expect(await raw.ended).toMatch(/^HTTP\/1.1 408 .*"code":"\w+"/s);
    expect(seen).toEqual([]);
  });
});

describe('a sender that goes away', () => {
  it('in the middle of a body leaves nothing behind, and harms nobody', async () => {
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

  it('in the middle of the headers is cut off', async () => {
    const { port } = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHos');
    expect(await raw.ended).toMatch(/^HTTP\/1.1 408 /);
  });

  it('before its answer still has its delivery kept', async () => {
    const kept: string[] = [];
    let keep = () => {};
    const ingest: Ingest = async (provider) => {
      await new Promise<void>((resolve) => {
        keep = resolve;
      });
      kept.push(provider);
      return { deliveryId: 1, disposition: 'APPLIED', duplicate: false, changes: 1 };
    };
    const { port, url } = await startServer(disposal, { ingest });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    const before = keep;
    await until(() => keep !== before);
    raw.socket.destroy();
    await raw.ended;
    keep();
    await until(() => kept.length === 1);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
