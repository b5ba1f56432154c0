/** Guessing credentials: whoever fails too often is told to wait, others at the same address are not kept waiting. */

import { generateApiKey } from '../../src/access/api-key';
import { API_KEY, type TestGateway, tokenFor } from '../e2e/gateway';
import { readMetrics } from '../e2e/metrics';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { openRaw } from '../support/raw-ws';
import { expectHealthy, startTarget } from './target';

const disposal = createDisposal();

/** More than anybody may get wrong at once. */
const TOO_MANY = 110;
const DOORS = ['GraphQL over HTTP', 'GraphQL over WebSocket', 'the metrics'] as const;
type Door = (typeof DOORS)[number];

/** What comes of showing a credential: an HTTP status, or the close code of the WebSocket; 200 or 1000 if it was good. */
async function knock(target: TestGateway, door: Door, credential: string): Promise<number> {
  const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' };
  if (door === 'the metrics') return (await fetch(`${target.url}/metrics`, { headers })).status;
  if (door === 'GraphQL over HTTP') {
    return (await fetch(`${target.url}/graphql?query={__typename}`, { headers })).status;
  }
  const client = await openRaw(disposal, target.wsUrl);
  client.socket.once('message', () => client.socket.close(1000)); // the acknowledgment
  client.send({ type: 'connection_init', payload: { authorization: credential } });
  return (await client.closed).code;
}

async function guess(target: TestGateway, door: Door, times: number, credential?: string) {
  const outcomes: number[] = [];
  for (let index = 0; index < times; index += 1) {
    outcomes.push(await knock(target, door, credential ?? generateApiKey().key));
  }
  return [...new Set(outcomes)];
}

describe.each<[Door, number, number, number]>([
  ['GraphQL over HTTP', 401, 429, 200],
  ['GraphQL over WebSocket', 4403, 4429, 1000],
  ['the metrics', 401, 429, 200],
])('a flood of made-up keys at %s', (door, refused, toldToWait, welcome) => {
  it('is told to wait, at every door, and keeps nobody else out', async () => {
    const target = await startTarget(disposal);

    expect(await guess(target, door, TOO_MANY)).toEqual([refused, toldToWait]);

    for (const other of DOORS) {
      const told = other === 'GraphQL over WebSocket' ? 4429 : 429;
      expect(await knock(target, other, 'a wrong key')).toBe(told);
    }
    expect(await knock(target, door, API_KEY)).toBe(welcome);
    const { key } = await target.createKey('read', 'metrics');
    expect(await knock(target, door, key)).toBe(welcome);
    if (door !== 'the metrics') {
      expect(await knock(target, door, await tokenFor('ada'))).toBe(welcome);
    }
    await expectHealthy(target);
  });
});

it('who has to wait is told how long, in JSON', async () => {
  const target = await startTarget(disposal);
  await guess(target, 'GraphQL over HTTP', TOO_MANY);

  const asked = await target.ask('{ cursor }', {}, 'a wrong key');
  const scraped = await fetch(`${target.url}/metrics`);

  expect(asked.status).toBe(429);
  expect(asked.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
  expect(scraped.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(await scraped.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } });
});

it('tokens that have run out are answered 401 however many they are, so that clients fetch others', async () => {
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

  it('one address is told to wait, and another is not', async () => {
    const target = await startTarget(disposal, { env: { TRUSTED_PROXIES: '1' } });

    expect(await flood(target, (index) => `198.51.100.${index}, 192.0.2.1:${index}`)).toEqual([
      401, 429,
    ]);
    expect(await from(target, '192.0.2.2')).toBe(401);
  });

  it('all addresses that one host can choose from count as one', async () => {
    const target = await startTarget(disposal, { env: { TRUSTED_PROXIES: '1' } });

    expect(await flood(target, (index) => `2001:db8:1:2::${index.toString(16)}`)).toEqual([
      401, 429,
    ]);
    expect(await from(target, '2001:db8:1:3::1')).toBe(401);
  });
});

it('the log tells who failed and why, without what was shown, and does not run full', async () => {
  const { log, lines } = createRecordedLog();
  const target = await startTarget(disposal, { log, env: { TRUSTED_PROXIES: '1' } });
  const { key, prefix } = generateApiKey();
  const show = (credential: string, address = '192.0.2.7') =>
    fetch(`${target.url}/metrics`, {
      headers: { authorization: `Bearer ${credential}`, 'x-forwarded-for': address },
    });

  await show(key);
  await show('s3cret-but-wrong');
  const refusals = () => lines.filter(({ msg }) => msg === 'rejected credentials');
  const about = { entryPoint: 'metrics', address: '192.0.2.7' };
  expect(refusals()).toMatchObject([
    { ...about, reason: 'UNKNOWN_KEY', keyPrefix: prefix },
    { ...about, reason: 'INVALID_TOKEN', failedCheck: 'FORMAT' },
  ]);
  for (let index = 0; index < 300; index += 1) await show('wrong', `203.0.113.${index % 250}`);

  expect(refusals().length).toBeLessThan(200);
  const text = JSON.stringify(lines);
  for (const shown of [key, key.slice(-43), 's3cret-but-wrong']) expect(text).not.toContain(shown);
  const counted = (await readMetrics(target)).get(
    'kyc_authentication_failures_total{entry_point="metrics",reason="INVALID_TOKEN"}',
  );
  expect(counted).toBe(301);
});
