/** Attacks on webhooks: nothing is kept without proof, nothing ends in a 5xx. What is authentic is never lost. */

import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { API_KEY, SECRETS, type TestGateway } from '../e2e/gateway';
import { APPROVALS } from '../e2e/messages';
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
const proof = (body: string | Buffer, digest = 'sha256', secret = SECRETS.sumsub) => ({
  'x-payload-digest': createHmac(digest, secret).update(body).digest('hex'),
  'x-payload-digest-alg': `HMAC_${digest.toUpperCase()}_HEX`,
});
const post = (headers: Record<string, string>, body: string | Buffer = BODY, path = 'sumsub') =>
  fetch(`${gateway.url}/webhooks/${path}`, { method: 'POST', headers, body });

describe('a message is refused', () => {
  it.each<[string, Record<string, string>, string | Buffer, number]>([
    ['without a proof', {}, BODY, 401],
    ['with the proof of another', proof('{}'), BODY, 401],
    ['with a wrong secret', proof(BODY, 'sha256', 'wrong'), BODY, 401],
    ['with an empty proof', { 'x-payload-digest': '' }, BODY, 401],
    ['with a digest that its sender has weakened', proof(BODY, 'sha1'), BODY, 401],
    [
      'with a digest that is none',
      { ...proof(BODY), 'x-payload-digest-alg': '__proto__' },
      BODY,
      401,
    ],
    ['with a proof of 10,000 characters', { 'x-payload-digest': 'a'.repeat(10_000) }, BODY, 401],
    [
      'that was compressed after it was signed',
      { ...proof(BODY), 'content-encoding': 'gzip' },
      gzipSync(BODY),
      415,
    ],
    ['of more than a mebibyte', {}, Buffer.alloc(1024 * 1024 + 1), 413],
  ])('%s', async (_, headers, body, status) => {
    const answer = await post(headers, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code: expect.any(String) } });
  });

  it.each(['nobody', '__proto__', 'constructor', '%00', 'x'.repeat(5_000)])(
    'for a vendor that is none: %.20s',
    async (vendor) => {
      expect((await post(proof(BODY), BODY, vendor)).status).toBe(404);
    },
  );

  it('whose sender stops in the middle of it', async () => {
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
    'before its body arrives, if its token is not ours: /webhooks/%s',
    async (path, header, refusal) => {
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
        `kyc_webhook_signature_failures_total{provider="${provider}",reason="${refusal}"} 1`,
      );
      expect(metrics).toContain(
        `kyc_webhooks_total{provider="${provider}",outcome="SIGNATURE_INVALID"} 1`,
      );
      expect(lines).toContainEqual(
        expect.objectContaining({ provider, reason: refusal, address: '127.0.0.1' }),
      );
    },
  );

  it('that says two lengths', async () => {
    const connection = connectRaw(callers, gateway.port);
    connection.write(
      'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(await connection.ended).toMatch(/^HTTP\/1.1 400/);
  });
});

describe('an authentic message is kept', () => {
  it.each(['utf-8', 'binary', 'gzip', ''])(
    'whatever it says of its encoding: "%s"',
    async (label) => {
      const answer = await post({ ...proof(BODY), 'content-encoding': label });
      expect([
        answer.status,
        ((await answer.json()) as { disposition: string }).disposition,
      ]).not.toContain('QUARANTINED');
      expect(answer.status).toBe(200);
    },
  );

  it('in quarantine, where its vendor signs what it has compressed', async () => {
    const body = gzipSync(BODY);
    const answer = await post({ ...proof(body), 'content-encoding': 'gzip' }, body);
    expect([answer.status, ((await answer.json()) as { disposition: string }).disposition]).toEqual(
      [200, 'QUARANTINED'],
    );
  });
});

describe('a path', () => {
  // Regression: PostgreSQL cannot store NUL; the delivery was answered 500, with two errors in the log.
  it.each([
    'sumsub/%00',
    'sumsub/a%00b',
    'sumsub/%ed%a0%80',
    'sumsub/%',
    'p100/%00',
    'paycaddy/%00',
  ])('that cannot be stored is not found: %s', async (path) => {
    expect((await post(proof(BODY), BODY, path)).status).toBe(404);
  });

  it.each(['sumsub/%0a%1f%7f', 'sumsub/%F0%9F%99%82', `sumsub/${'x'.repeat(10_000)}`])(
    'of any other text harms no delivery: %.40s',
    async (path) => {
      expect((await post(proof(BODY), BODY, path)).status).toBe(200);
    },
  );
});

describe('a flood', () => {
  it('is refused with the time after which to come back, and by vendor', async () => {
    const small = await startTarget(callers, { env: { WEBHOOKS_PER_SECOND: '1' } });
    const statuses: number[] = [];
    for (let index = 0; index < 12; index += 1) {
      statuses.push((await small.post('sumsub', APPROVALS.sumsub)).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(200));
    const refused = await small.post('sumsub', APPROVALS.sumsub);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect((await small.post('paycaddy', APPROVALS.paycaddy)).status).toBe(200);
  });

  it('of wrong proofs is told so, and keeps nothing from the vendor at the same address', async () => {
    const target = await startTarget(callers);
    const statuses = new Set<number>();
    for (let index = 0; index < 150; index += 1) {
      statuses.add((await target.post('sumsub', APPROVALS.sumsub, { secret: 'wrong' })).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await target.post('sumsub', APPROVALS.sumsub)).status).toBe(200);
  });
});

describe('where the vendor’s addresses are known', () => {
  const from = (target: TestGateway, forwarded: string) =>
    fetch(`${target.url}/webhooks/sumsub`, {
      method: 'POST',
      headers: { ...proof(BODY), 'x-forwarded-for': forwarded },
      body: BODY,
    }).then(({ status }) => status);

  it('others are refused, whatever they say of where they come from', async () => {
    const env = { WEBHOOK_ADDRESSES_SUMSUB: '192.0.2.0/24, 2001:db8::1', TRUSTED_PROXIES: '1' };
    const target = await startTarget(callers, { env });
    expect(await from(target, '192.0.2.9')).toBe(200);
    expect(await from(target, '198.51.100.1, 2001:db8::1')).toBe(200);
    expect(await from(target, '192.0.2.9, 198.51.100.1')).toBe(403);
    expect(await from(target, 'no address')).toBe(403);
  });

  it('nobody is believed a header where there is no proxy', async () => {
    const target = await startTarget(callers, { env: { WEBHOOK_ADDRESSES_SUMSUB: '192.0.2.9' } });
    expect(await from(target, '192.0.2.9')).toBe(403);
  });
});
