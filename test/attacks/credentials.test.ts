/** Guessed credentials: failures are rate-limited by address, valid credentials from the same address are not. */

import { generateApiKey } from '../../src/access/api-key';
import { API_KEY, type TestGateway, tokenFor } from '../e2e/support/gateway';
import { readMetrics } from '../e2e/support/metrics';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { openRaw } from '../support/raw-ws';
import { expectHealthy, startTarget } from './target';

const disposal = createDisposal();

/** Exceeds the burst of failures. */
const TOO_MANY = 110;
const ENTRY_POINTS = ['GraphQL over HTTP', 'GraphQL over WebSocket', 'metrics'] as const;
type EntryPoint = (typeof ENTRY_POINTS)[number];

/** Presents credentials. Returns the HTTP status or the WebSocket close code. 200 and 1000 mean accepted. */
async function tryCredential(
  target: TestGateway,
  entryPoint: EntryPoint,
  credential: string,
): Promise<number> {
  const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' };
  if (entryPoint === 'metrics') return (await fetch(`${target.url}/metrics`, { headers })).status;
  if (entryPoint === 'GraphQL over HTTP') {
    return (await fetch(`${target.url}/graphql?query={__typename}`, { headers })).status;
  }
  const client = await openRaw(disposal, target.wsUrl);
  client.socket.once('message', () => client.socket.close(1000)); // the acknowledgment
  client.send({ type: 'connection_init', payload: { authorization: credential } });
  return (await client.closed).code;
}

async function guess(
  target: TestGateway,
  entryPoint: EntryPoint,
  times: number,
  credential?: string,
) {
  const outcomes: number[] = [];
  for (let index = 0; index < times; index += 1) {
    outcomes.push(await tryCredential(target, entryPoint, credential ?? generateApiKey().key));
  }
  return [...new Set(outcomes)];
}

describe.each<[EntryPoint, number, number, number]>([
  ['GraphQL over HTTP', 401, 429, 200],
  ['GraphQL over WebSocket', 4403, 4429, 1000],
  ['metrics', 401, 429, 200],
])('a flood of invented keys at %s', (entryPoint, rejected, rateLimited, accepted) => {
  it('is rate-limited at every entry point, and valid credentials are accepted', async () => {
    const target = await startTarget(disposal);

    expect(await guess(target, entryPoint, TOO_MANY)).toEqual([rejected, rateLimited]);

    for (const other of ENTRY_POINTS) {
      const limited = other === 'GraphQL over WebSocket' ? 4429 : 429;
      expect(await tryCredential(target, other, 'a wrong key')).toBe(limited);
    }
    expect(await tryCredential(target, entryPoint, API_KEY)).toBe(accepted);
    const { key } = await target.createKey('read', 'metrics');
    expect(await tryCredential(target, entryPoint, key)).toBe(accepted);
    if (entryPoint !== 'metrics') {
      expect(await tryCredential(target, entryPoint, await tokenFor('ada'))).toBe(accepted);
    }
    await expectHealthy(target);
  });
});

it('a rate-limited caller gets Retry-After and a JSON error', async () => {
  const target = await startTarget(disposal);
  await guess(target, 'GraphQL over HTTP', TOO_MANY);

  const queried = await target.ask('{ cursor }', {}, 'a wrong key');
  const scraped = await fetch(`${target.url}/metrics`);

  expect(queried.status).toBe(429);
  expect(queried.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
  expect(scraped.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(await scraped.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } });
});

it('expired tokens always get 401, so that clients refresh them', async () => {
  const target = await startTarget(disposal);
  const expired = await tokenFor('ada', { exp: Math.floor(Date.now() / 1000) - 60 });

  expect(await guess(target, 'GraphQL over HTTP', TOO_MANY, expired)).toEqual([401]);
  const forged = `${expired.slice(0, -4)}AAAA`;
  expect(await guess(target, 'GraphQL over HTTP', TOO_MANY, forged)).toEqual([401, 429]);
});

describe('behind a proxy', () => {
  const from = async (target: TestGateway, address: string) => {
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': address };
    return (await fetch(`${target.url}/metrics`, { headers })).status;
  };
  const flood = async (target: TestGateway, addressOf: (index: number) => string) => {
    const statuses = new Set<number>();
    for (let index = 0; index < TOO_MANY; index += 1) {
      statuses.add(await from(target, addressOf(index)));
    }
    return [...statuses];
  };

  it('limits one address and not another', async () => {
    const target = await startTarget(disposal, { env: { TRUSTED_PROXIES: '1' } });

    expect(await flood(target, (index) => `198.51.100.${index}, 192.0.2.1:${index}`)).toEqual([
      401, 429,
    ]);
    expect(await from(target, '192.0.2.2')).toBe(401);
  });

  it('counts all addresses of an IPv6 /64 as one', async () => {
    const target = await startTarget(disposal, { env: { TRUSTED_PROXIES: '1' } });

    expect(await flood(target, (index) => `2001:db8:1:2::${index.toString(16)}`)).toEqual([
      401, 429,
    ]);
    expect(await from(target, '2001:db8:1:3::1')).toBe(401);
  });
});

it('failures are logged with address and reason, without the credentials, at a limited rate', async () => {
  const { log, lines } = createRecordedLog();
  const target = await startTarget(disposal, { log, env: { TRUSTED_PROXIES: '1' } });
  const { key, prefix } = generateApiKey();
  const present = (credential: string, address = '192.0.2.7') =>
    fetch(`${target.url}/metrics`, {
      headers: { authorization: `Bearer ${credential}`, 'x-forwarded-for': address },
    });

  await present(key);
  await present('s3cret-but-wrong');
  const rejections = () => lines.filter(({ msg }) => msg === 'rejected credentials');
  const about = { entryPoint: 'metrics', address: '192.0.2.7' };
  expect(rejections()).toMatchObject([
    { ...about, reason: 'UNKNOWN_KEY', keyPrefix: prefix },
    { ...about, reason: 'INVALID_TOKEN', failedCheck: 'FORMAT' },
  ]);
  for (let index = 0; index < 300; index += 1) await present('wrong', `203.0.113.${index % 250}`);

  expect(rejections().length).toBeLessThan(200);
  const text = JSON.stringify(lines);
  for (const secret of [key, key.slice(-43), 's3cret-but-wrong'])
    expect(text).not.toContain(secret);
  const counted = (await readMetrics(target)).get(
    'kyc_authentication_failures_total{entry_point="metrics",reason="INVALID_TOKEN"}',
  );
  expect(counted).toBe(301);
});
