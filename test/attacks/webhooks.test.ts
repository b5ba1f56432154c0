/** Forged webhooks are not stored, none causes a 5xx, and authentic ones are never lost. */

import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { API_KEY, SECRETS, type TestGateway } from '../e2e/support/gateway';
import { APPROVALS } from '../e2e/support/messages';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { connectRaw } from '../support/raw-http';
import { until } from '../support/until';
import { expectHealthy, startTarget } from './target';

const disposal = createDisposal('all');
const callers = createDisposal();
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTarget(disposal);
});

afterEach(() => expectHealthy(gateway));

const BODY = JSON.stringify(APPROVALS.sumsub);
const sign = (body: string | Buffer, digest = 'sha256', secret = SECRETS.sumsub) => ({
  'x-payload-digest': createHmac(digest, secret).update(body).digest('hex'),
  'x-payload-digest-alg': `HMAC_${digest.toUpperCase()}_HEX`,
});
const post = (headers: Record<string, string>, body: string | Buffer = BODY, path = 'sumsub') =>
  fetch(`${gateway.url}/webhooks/${path}`, { method: 'POST', headers, body });

describe('a webhook is rejected', () => {
  it.each<[string, Record<string, string>, string | Buffer, number]>([
    ['without a signature', {}, BODY, 401],
    ['with the signature of another body', sign('{}'), BODY, 401],
    ['with a wrong secret', sign(BODY, 'sha256', 'wrong'), BODY, 401],
    ['with an empty signature', { 'x-payload-digest': '' }, BODY, 401],
    ['with a weaker digest', sign(BODY, 'sha1'), BODY, 401],
    ['with an unknown digest', { ...sign(BODY), 'x-payload-digest-alg': '__proto__' }, BODY, 401],
    [
      'with a signature of 10,000 characters',
      { 'x-payload-digest': 'a'.repeat(10_000) },
      BODY,
      401,
    ],
    [
      'that was compressed after it was signed',
      { ...sign(BODY), 'content-encoding': 'gzip' },
      gzipSync(BODY),
      415,
    ],
    ['of more than 1 MiB', {}, Buffer.alloc(1024 * 1024 + 1), 413],
  ])('%s', async (_, headers, body, status) => {
    const answer = await post(headers, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code: expect.any(String) } });
  });

  it.each(['unknown', '__proto__', 'constructor', '%00', 'x'.repeat(5_000)])(
    'for an unknown provider: %.20s',
    async (provider) => {
      expect((await post(sign(BODY), BODY, provider)).status).toBe(404);
    },
  );

  it('if its sender stops in the middle', async () => {
    const hasty = await startTarget(callers, { limits: { http: { bodyIdleMs: 200 } } });
    const connection = connectRaw(callers, hasty.port);
    connection.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
    expect(await connection.ended).toMatch(/^HTTP\/1.1 408/);
    await expectHealthy(hasty);
  });

  // Regression: the body was read in full first, so clients without a token could fill the memory for bodies.
  it.each([
    ['paycaddy/wrong', '', 'TOKEN_WRONG'],
    ['paycaddy', '', 'TOKEN_MISSING'],
    ['p100/webhook/kyc-verification/status', 'Authorization: wrong\r\n', 'TOKEN_WRONG'],
    ['p100', '', 'TOKEN_MISSING'],
  ])(
    'before its body arrives if the token is wrong: /webhooks/%s',
    async (path, header, reason) => {
      const { log, lines } = createRecordedLog();
      const target = await startTarget(callers, { log });
      const connection = connectRaw(callers, target.port);
      connection.write(
        `POST /webhooks/${path} HTTP/1.1\r\nHost: x\r\n${header}Content-Length: 100000\r\n\r\n`,
      );
      await until(() => connection.received().includes('SIGNATURE_INVALID'));
      expect(connection.received()).toMatch(/^HTTP\/1.1 401/);
      const [provider] = path.split('/');
      const metrics = await (
        await fetch(`${target.url}/metrics`, { headers: { authorization: `Bearer ${API_KEY}` } })
      ).text();
      expect(metrics).toContain(
        `kyc_webhook_signature_failures_total{provider="${provider}",reason="${reason}"} 1`,
      );
      expect(metrics).toContain(
        `kyc_webhooks_total{provider="${provider}",outcome="SIGNATURE_INVALID"} 1`,
      );
      expect(lines).toContainEqual(
        expect.objectContaining({ provider, reason, address: '127.0.0.1' }),
      );
    },
  );

  it('with two lengths', async () => {
    const connection = connectRaw(callers, gateway.port);
    connection.write(
      'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(await connection.ended).toMatch(/^HTTP\/1.1 400/);
  });
});

describe('an authentic webhook is stored', () => {
  it.each(['utf-8', 'binary', 'gzip', ''])('with any Content-Encoding: "%s"', async (label) => {
    const answer = await post({ ...sign(BODY), 'content-encoding': label });
    expect([
      answer.status,
      ((await answer.json()) as { disposition: string }).disposition,
    ]).not.toContain('QUARANTINED');
    expect(answer.status).toBe(200);
  });

  it('as QUARANTINED if the provider signs the compressed body', async () => {
    const body = gzipSync(BODY);
    const answer = await post({ ...sign(body), 'content-encoding': 'gzip' }, body);
    expect([answer.status, ((await answer.json()) as { disposition: string }).disposition]).toEqual(
      [200, 'QUARANTINED'],
    );
  });
});

describe('a path', () => {
  // Regression: PostgreSQL cannot store NUL. The response was 500, with two errors in the log.
  it.each([
    'sumsub/%00',
    'sumsub/a%00b',
    'sumsub/%ed%a0%80',
    'sumsub/%',
    'p100/%00',
    'paycaddy/%00',
  ])('that cannot be stored gets 404: %s', async (path) => {
    expect((await post(sign(BODY), BODY, path)).status).toBe(404);
  });

  it.each(['sumsub/%0a%1f%7f', 'sumsub/%F0%9F%99%82', `sumsub/${'x'.repeat(10_000)}`])(
    'with any other text is accepted: %.40s',
    async (path) => {
      expect((await post(sign(BODY), BODY, path)).status).toBe(200);
    },
  );
});

describe('a flood', () => {
  it('is rate-limited per provider, with Retry-After', async () => {
    const small = await startTarget(callers, { env: { WEBHOOKS_PER_SECOND: '1' } });
    const statuses: number[] = [];
    for (let index = 0; index < 12; index += 1) {
      statuses.push((await small.post('sumsub', APPROVALS.sumsub)).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(200));
    const limited = await small.post('sumsub', APPROVALS.sumsub);
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect((await small.post('paycaddy', APPROVALS.paycaddy)).status).toBe(200);
  });

  it('of wrong signatures is rate-limited, and the provider at the same address is not', async () => {
    const target = await startTarget(callers);
    const statuses = new Set<number>();
    for (let index = 0; index < 150; index += 1) {
      statuses.add((await target.post('sumsub', APPROVALS.sumsub, { secret: 'wrong' })).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await target.post('sumsub', APPROVALS.sumsub)).status).toBe(200);
  });
});

describe('with allowed addresses', () => {
  const from = (target: TestGateway, forwarded: string) =>
    fetch(`${target.url}/webhooks/sumsub`, {
      method: 'POST',
      headers: { ...sign(BODY), 'x-forwarded-for': forwarded },
      body: BODY,
    }).then(({ status }) => status);

  it('rejects other addresses, with any X-Forwarded-For', async () => {
    const env = { WEBHOOK_ADDRESSES_SUMSUB: '192.0.2.0/24, 2001:db8::1', TRUSTED_PROXIES: '1' };
    const target = await startTarget(callers, { env });
    expect(await from(target, '192.0.2.9')).toBe(200);
    expect(await from(target, '198.51.100.1, 2001:db8::1')).toBe(200);
    expect(await from(target, '192.0.2.9, 198.51.100.1')).toBe(403);
    expect(await from(target, 'no address')).toBe(403);
  });

  it('ignores X-Forwarded-For without a trusted proxy', async () => {
    const target = await startTarget(callers, { env: { WEBHOOK_ADDRESSES_SUMSUB: '192.0.2.9' } });
    expect(await from(target, '192.0.2.9')).toBe(403);
  });
});
