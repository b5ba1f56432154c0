/**
 * What an authentic webhook may say: anything. Each is kept, whatever stands in it; none is answered with a 5xx; and what
 * cannot be read changes nobody's state. Without a proof, none is kept at all.
 */

import { SECRETS, type TestGateway } from '../e2e/gateway';
import { APPROVALS } from '../e2e/messages';
import { createDisposal } from '../support/disposal';
import type { ProviderName } from '../support/sign';
import { expectHealthy, startTarget } from './target';

const disposal = createDisposal('all');
const VENDORS = Object.keys(SECRETS) as ProviderName[];

/** As they stand in JSON, in place of whatever a field should hold. */
const VALUES: Readonly<Record<string, string>> = {
  null: 'null',
  true: 'true',
  'a number': '0',
  'a number below zero': '-1',
  'a number beyond 2^53': '9007199254740993',
  'a number that no machine holds': '1e400',
  'a fraction': '0.1',
  'an empty text': '""',
  'a list': '[]',
  'a list in a list': '[["x"]]',
  'an object': '{}',
  'an object behind __proto__': '{"__proto__":{"toString":"x"}}',
  'an object with a length': '{"length":1,"0":"x"}',
  'the name of a method': '"constructor"',
  'the name of what all objects have': '"__proto__"',
  NUL: '"\\u0000"',
  'half a character': '"\\ud800"',
  'text that turns around': '"\\u202egnp.exe"',
  '10,000 characters': JSON.stringify('x'.repeat(10_000)),
  'a date that does not exist': '"2024-02-30T00:00:00Z"',
  'a date of another age': '"275760-09-13T00:00:00Z"',
  'depth 5,000': `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
};

const MARK = '"the value that is put here"';

/** The message with a mark in place of each field in turn, however deep. */
function marked(message: object): readonly (readonly [string, string])[] {
  const seen: [string, string][] = [];
  const visit = (value: unknown, path: string, around: (inner: string) => string) => {
    if (path !== '') seen.push([path, around(MARK)]);
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

describe.each(VENDORS)('%s', (vendor) => {
  const fields = marked(APPROVALS[vendor]);
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTarget(disposal, { env: { SUMSUB_MINIMUM_DIGEST: 'sha256' } });
  });

  it.each(Object.entries(VALUES))('%s in any field is kept, and harms nobody', async (_, value) => {
    for (const [path, text] of fields) {
      const { status, kept } = await gateway.post(vendor, text.replace(MARK, value));
      expect([path, status]).toEqual([path, 200]);
      expect([path, kept?.deliveryId]).toEqual([path, expect.any(Number)]);
    }
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  });

  it('none of it was a mistake of ours', async () => {
    const query =
      '{ webhookDeliveries(first: 100, filter: { disposition: [QUARANTINED] }) { nodes { reason } } }';
    const { data } = await gateway.ask(query);
    const reasons = data.webhookDeliveries.nodes.map(({ reason }: { reason: string }) => reason);
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.filter((reason: string) => reason.includes('by its adapter'))).toEqual([]);
    expect(Object.getPrototypeOf({}).toString).toBe(Object.prototype.toString);
  });
});

describe.each(VENDORS)('%s: what cannot be read as one message', (vendor) => {
  const text = JSON.stringify(APPROVALS[vendor]);
  const [name = ''] = Object.keys(APPROVALS[vendor]);
  const bytes = Buffer.from(text);

  it.each<[string, string | Buffer]>([
    ['that says a key twice', text.replace('{', `{${JSON.stringify(name)}:"x",`)],
    ['of 10,000 levels', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    [
      'that is no UTF-8',
      Buffer.concat([bytes.subarray(0, 3), Buffer.from([0xc3, 0x28]), bytes.subarray(3)]),
    ],
    ['in UTF-16', Buffer.from(text, 'utf16le')],
    ['that is cut short', text.slice(0, -1)],
    ['behind __proto__', `{"__proto__":${text}}`],
    ['in a list', `[${text}]`],
    ['in a text', JSON.stringify(text)],
    ['and another', text + text],
    ['that is NUL', '\0'.repeat(1_000)],
    ['that is empty', ''],
  ])('a message %s is kept in quarantine and changes nothing', async (_, body) => {
    const gateway = await quarantine();
    const { status, kept } = await gateway.post(vendor, body);
    expect([status, kept?.disposition]).toEqual([200, 'QUARANTINED']);
    expect((await gateway.ask('{ users { totalCount } }')).data).toEqual({
      users: { totalCount: 0 },
    });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['no proof', {}],
    ['a proof by no algorithm', { 'x-fractal-signature': 'none=', 'x-payload-digest-alg': 'none' }],
    [
      'a proof by a broken algorithm',
      { 'x-fractal-signature': 'md5=00', 'x-payload-digest-alg': 'HMAC_MD5_HEX' },
    ],
    [
      'empty proofs',
      {
        'x-fractal-signature': 'sha1=',
        'x-payload-digest': '',
        authorization: 'Bearer',
        'x-api-key': '',
      },
    ],
    [
      'the proof `undefined`',
      {
        'x-fractal-signature': 'undefined',
        'x-payload-digest': 'undefined',
        authorization: 'undefined',
        'x-api-key': 'undefined',
      },
    ],
  ])('and a sound one with %s is refused', async (_, headers) => {
    const gateway = await quarantine();
    const path = vendor === 'p100' ? 'p100/webhook/kyc-verification/status' : vendor;
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

/** One for all that changes nothing: that it has stayed as it was is what each test looks at. */
function quarantine(): Promise<TestGateway> {
  shared ??= startTarget(disposal);
  return shared;
}

it('after all of it the gateway takes what is sound', async () => {
  await expectHealthy(await quarantine());
});
