/**
 * Authentic webhooks with arbitrary content. Each is stored, none causes a 5xx, and malformed ones change no state. Webhooks
 * without a valid signature are not stored.
 */

import { SECRETS, type TestGateway } from '../e2e/support/gateway';
import { APPROVALS } from '../e2e/support/messages';
import { createDisposal } from '../support/disposal';
import type { ProviderName } from '../support/sign';
import { expectHealthy, startTarget } from './target';

const disposal = createDisposal('all');
const PROVIDERS = Object.keys(SECRETS) as ProviderName[];

/** JSON values that replace the value of a field. */
const VALUES: Readonly<Record<string, string>> = {
  null: 'null',
  true: 'true',
  'a number': '0',
  'a number below zero': '-1',
  'a number beyond 2^53': '9007199254740993',
  'a number beyond the range of a double': '1e400',
  'a fraction': '0.1',
  'an empty text': '""',
  'a list': '[]',
  'a list in a list': '[["x"]]',
  'an object': '{}',
  'an object behind __proto__': '{"__proto__":{"toString":"x"}}',
  'an object with a length': '{"length":1,"0":"x"}',
  'the name of a method': '"constructor"',
  'the name of the prototype property': '"__proto__"',
  NUL: '"\\u0000"',
  'a lone surrogate': '"\\ud800"',
  'right-to-left text': '"\\u202egnp.exe"',
  '10,000 characters': JSON.stringify('x'.repeat(10_000)),
  'a date that does not exist': '"2024-02-30T00:00:00Z"',
  'a date beyond year 9999': '"275760-09-13T00:00:00Z"',
  'a list nested 5,000 deep': `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
};

const PLACEHOLDER = '"the value that is replaced"';

/** Returns the message with a placeholder for each field in turn, at any depth. */
function replaceEachField(message: object): readonly (readonly [string, string])[] {
  const seen: [string, string][] = [];
  const visit = (value: unknown, path: string, around: (inner: string) => string) => {
    if (path !== '') seen.push([path, around(PLACEHOLDER)]);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [name, inner] of Object.entries(value)) {
      const others = Object.entries(value).filter(([other]) => other !== name);
      const rest = others.map(([other, one]) => `${JSON.stringify(other)}:${JSON.stringify(one)},`);
      const put = (text: string) => around(`{${rest.join('')}${JSON.stringify(name)}:${text}}`);
      visit(inner, path === '' ? name : `${path}.${name}`, put);
    }
  };
  visit(message, '', (inner) => inner);
  return seen;
}

describe.each(PROVIDERS)('%s', (provider) => {
  const fields = replaceEachField(APPROVALS[provider]);
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTarget(disposal, { env: { SUMSUB_MINIMUM_DIGEST: 'sha256' } });
  });

  it.each(Object.entries(VALUES))('stores %s in any field', async (_, value) => {
    for (const [path, text] of fields) {
      const { status, kept } = await gateway.post(provider, text.replace(PLACEHOLDER, value));
      expect([path, status]).toEqual([path, 200]);
      expect([path, kept?.deliveryId]).toEqual([path, expect.any(Number)]);
    }
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  });

  it('quarantines none of them because of an adapter bug', async () => {
    const query =
      '{ webhookDeliveries(first: 100, filter: { disposition: [QUARANTINED] }) { nodes { reason } } }';
    const { data } = await gateway.ask(query);
    const reasons = data.webhookDeliveries.nodes.map(({ reason }: { reason: string }) => reason);
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.filter((reason: string) => reason.includes('by its adapter'))).toEqual([]);
    expect(Object.getPrototypeOf({}).toString).toBe(Object.prototype.toString);
  });
});

describe.each(PROVIDERS)('%s: malformed messages', (provider) => {
  const text = JSON.stringify(APPROVALS[provider]);
  const [name = ''] = Object.keys(APPROVALS[provider]);
  const bytes = Buffer.from(text);

  it.each<[string, string | Buffer]>([
    ['with a duplicate key', text.replace('{', `{${JSON.stringify(name)}:"x",`)],
    ['nested 10,000 levels deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    [
      'in invalid UTF-8',
      Buffer.concat([bytes.subarray(0, 3), Buffer.from([0xc3, 0x28]), bytes.subarray(3)]),
    ],
    ['in UTF-16', Buffer.from(text, 'utf16le')],
    ['that is truncated', text.slice(0, -1)],
    ['behind __proto__', `{"__proto__":${text}}`],
    ['in a list', `[${text}]`],
    ['in a string', JSON.stringify(text)],
    ['followed by another', text + text],
    ['of NUL characters', '\0'.repeat(1_000)],
    ['that is empty', ''],
  ])('a message %s is quarantined and changes nothing', async (_, body) => {
    const gateway = await sharedGateway();
    const { status, kept } = await gateway.post(provider, body);
    expect([status, kept?.disposition]).toEqual([200, 'QUARANTINED']);
    expect((await gateway.ask('{ users { totalCount } }')).data).toEqual({
      users: { totalCount: 0 },
    });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['no signature', {}],
    [
      'a signature with the algorithm `none`',
      { 'x-fractal-signature': 'none=', 'x-payload-digest-alg': 'none' },
    ],
    [
      'a signature with a broken algorithm',
      { 'x-fractal-signature': 'md5=00', 'x-payload-digest-alg': 'HMAC_MD5_HEX' },
    ],
    [
      'empty signatures',
      {
        'x-fractal-signature': 'sha1=',
        'x-payload-digest': '',
        authorization: 'Bearer',
        'x-api-key': '',
      },
    ],
    [
      'the signature `undefined`',
      {
        'x-fractal-signature': 'undefined',
        'x-payload-digest': 'undefined',
        authorization: 'undefined',
        'x-api-key': 'undefined',
      },
    ],
  ])('rejects a valid message with %s', async (_, headers) => {
    const gateway = await sharedGateway();
    const path = provider === 'p100' ? 'p100/webhook/kyc-verification/status' : provider;
    const answer = await fetch(`${gateway.url}/webhooks/${path}`, {
      method: 'POST',
      headers,
      body: text,
    });
    expect([answer.status, await answer.json()]).toMatchObject([
      401,
      { error: { code: 'SIGNATURE_INVALID' } },
    ]);
    const { data } = await gateway.ask('{ users { totalCount } }');
    expect(data.users.totalCount).toBe(0);
  });
});

let shared: Promise<TestGateway> | undefined;

/** One gateway for all tests that check that its state is unchanged. */
function sharedGateway(): Promise<TestGateway> {
  shared ??= startTarget(disposal);
  return shared;
}

it('the gateway still accepts valid webhooks afterwards', async () => {
  await expectHealthy(await sharedGateway());
});
