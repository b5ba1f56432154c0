/** Attacks with documents: each is refused with the same code by every transport, and does no harm. */

import { getIntrospectionQuery } from 'graphql';
import { API_KEY, type TestGateway } from '../e2e/gateway';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { until } from '../support/until';
import {
  bytesInUse,
  codesOf,
  expectHealthy,
  type Payload,
  say,
  startTarget,
  TRANSPORTS,
  type Transport,
} from './target';

const disposal = createDisposal('all');
const callers = createDisposal();
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTarget(disposal);
});

function nested(depth: number): string {
  return depth === 0 ? 'id' : `levels { latestAttempt { user { ${nested(depth - 1)} } } }`;
}

const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

const doubling = `{ user(id: "x") { ...F0 } } ${times(40, (n) => `fragment F${n} on User { ...F${n + 1} ...F${n + 1} }`)} fragment F40 on User { id }`;

const ATTACKS: readonly (readonly [string, string, string])[] = [
  ['a circle of data, 30 times around', `{ user(id: "x") { ${nested(30)} } }`, 'TOO_DEEP'],
  ['selections nested 8,000 deep', '{a'.repeat(8_000), 'TOO_MANY_TOKENS'],
  ['selections nested 390 deep', `${'{a'.repeat(390)}${'}'.repeat(390)}`, 'TOO_DEEP'],
  ['lists nested 20,000 deep', `{ user(id: ${'['.repeat(20_000)}`, 'TOO_MANY_TOKENS'],
  ['objects nested 20,000 deep', `{ user(id: ${'{a:'.repeat(9_000)}`, 'TOO_MANY_TOKENS'],
  ['types nested deep', `query ($a: ${'['.repeat(10_000)}`, 'TOO_MANY_TOKENS'],
  ['100 aliases', `{ viewer { ${times(100, (n) => `a${n}: kind`)} } }`, 'TOO_MANY_ALIASES'],
  ['thousands of aliases', `{ ${times(3_000, (n) => `a${n}: cursor`)} }`, 'TOO_MANY_TOKENS'],
  [
    'aliases behind fragments',
    `{ viewer { ${'...A '.repeat(30)} } } fragment A on Viewer { a: kind b: kind }`,
    'TOO_MANY_ALIASES',
  ],
  ['a crowd of root fields', `{ ${times(30, (n) => `a${n}: cursor`)} }`, 'TOO_MANY_ROOT_FIELDS'],
  [
    'mutations in a row',
    `mutation { ${times(21, (n) => `a${n}: createUser(input: {}) { created }`)} }`,
    'TOO_MANY_ROOT_FIELDS',
  ],
  ['one field, 1,100 times', `{ viewer { ${'kind '.repeat(1_100)} } }`, 'TOO_MANY_FIELDS'],
  [
    'directives by the hundred',
    `{ cursor ${'@skip(if: false) '.repeat(100)} }`,
    'TOO_MANY_DIRECTIVES',
  ],
  ['unknown directives by the hundred', `{ cursor ${'@x '.repeat(500)} }`, 'TOO_MANY_DIRECTIVES'],
  ['fragments that double 40 times', doubling, 'TOO_MANY_FIELDS'],
  [
    'fragments by the hundred',
    `{ cursor } ${times(100, (n) => `fragment F${n} on Query { cursor }`)}`,
    'TOO_MANY_FRAGMENTS',
  ],
  [
    'a fragment inside itself',
    '{ user(id: "x") { ...A } } fragment A on User { ...A }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'a circle of fragments',
    '{ cursor } fragment A on User { ...B } fragment B on User { ...A }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'pages of 100 inside each other',
    '{ users(first: 100) { nodes { attempts(first: 100) { nodes { id status number provider } } } } }',
    'TOO_COSTLY',
  ],
  [
    'pages in reverse',
    '{ users(last: 100) { nodes { attempts(last: 100) { nodes { id status number provider } } } } }',
    'TOO_COSTLY',
  ],
  [
    'pages in pages in pages',
    '{ users(first: 50) { nodes { attempts { nodes { statusChanges { nodes { id user { id } } } } } } } }',
    'TOO_COSTLY',
  ],
  ['introspection', getIntrospectionQuery(), 'GRAPHQL_VALIDATION_FAILED'],
  ['a look at one type', '{ __type(name: "User") { name } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['no end', '{ users { nodes { ', 'GRAPHQL_PARSE_FAILED'],
  ['a string without end', '{ user(id: "', 'GRAPHQL_PARSE_FAILED'],
  ['NUL', '{ cursor \u0000 }', 'GRAPHQL_PARSE_FAILED'],
  ['a schema', 'type Query { hacked: Int }', 'GRAPHQL_VALIDATION_FAILED'],
  ['__proto__', '{ __proto__ constructor toString }', 'GRAPHQL_VALIDATION_FAILED'],
];

const CASES = ATTACKS.flatMap(([what, query, code]) =>
  TRANSPORTS.map((transport): [string, Transport, string, string] => [
    what,
    transport,
    query,
    code,
  ]),
);

describe('a document is refused, and the gateway is none the worse for it:', () => {
  it.each(CASES)('%s, by %s', async (_, transport, query, code) => {
    const tooLong = transport === 'GET' && query.length > 8_000; // for a URL
    if (!tooLong) {
      expect(codesOf(await say(callers, gateway, transport, { query }))).toEqual([code]);
    }
    await expectHealthy(gateway);
  });
});

it.each(TRANSPORTS)('the size of a page in a variable costs the same, by %s', async (transport) => {
  const query =
    'query ($n: Int!) { users(first: $n) { nodes { attempts(first: $n) { nodes { id status number provider } } } } }';
  const small = await say(callers, gateway, transport, { query, variables: { n: 5 } });
  expect(small.errors).toEqual([]);
  const large = await say(callers, gateway, transport, { query, variables: { n: 100 } });
  expect(large.errors).toMatchObject([
    { extensions: { code: 'TOO_COSTLY', cost: { requested: 50_201, allowed: 50_000 } } },
  ]);
  await expectHealthy(gateway);
});

it.each(TRANSPORTS)(
  'a misspelt name is answered without those that there are, by %s',
  async (transport) => {
    const queries = [
      '{ usrs { totalCount } }',
      '{ users(filter: { verificationStatus: [VERIFID] }) { totalCount } }',
    ];
    for (const query of queries) {
      const said = await say(callers, gateway, transport, { query });
      expect(codesOf(said)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
      expect(JSON.stringify(said)).not.toMatch(/did you mean|"users/i);
    }
  },
);

it('a misspelt value of a variable is answered without those that there are', async () => {
  const said = await say(callers, gateway, 'POST', {
    query:
      'query ($s: [VerificationStatus!]) { users(filter: { verificationStatus: $s }) { totalCount } }',
    variables: { s: ['VERIFID'] },
  });
  expect(said.errors).toHaveLength(1);
  expect(JSON.stringify(said)).not.toMatch(/did you mean/i);
});

it('hostile documents, a thousand different ones, leave no memory behind', async () => {
  const attack = async (from: number) => {
    for (let index = from; index < from + 500; index += 1) {
      const query = `{ viewer { ${times(45, (n) => `a${index}x${n}: kind`)} } } # ${'x'.repeat(20_000)}`;
      await say(callers, gateway, 'POST', { query });
    }
  };
  await attack(0);
  const before = bytesInUse();
  await attack(500);
  await until(() => bytesInUse() - before < 50 * 1024 * 1024); // the collector may be late
  await expectHealthy(gateway);
}, 120_000);

describe('over HTTP', () => {
  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        'content-type': 'application/json',
        ...headers,
      },
      body,
    });

  afterEach(() => expectHealthy(gateway));

  it('a batch is refused', async () => {
    const answer = await post(JSON.stringify([{ query: '{ cursor }' }, { query: '{ cursor }' }]));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'BAD_REQUEST' } }],
    });
  });

  it('a body over 64 KiB is refused', async () => {
    const answer = await post(JSON.stringify({ query: `{ cursor } # ${'x'.repeat(70_000)}` }));
    expect(answer.status).toBe(413);
  });

  it('a compressed body is refused', async () => {
    const answer = await post(Buffer.alloc(100), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(415);
  });

  it('variables nested 20,000 deep are refused', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const answer = await post(
      `{"query":"query ($a: Int) { users(first: $a) { totalCount } }","variables":{"a":${deep}}}`,
    );
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'BODY_UNREADABLE' } }],
    });
  });

  it('variables behind __proto__ are nobody’s', async () => {
    const answer = await post(
      '{"query":"query ($a: Int = 1) { users(first: $a) { totalCount } }","variables":{"__proto__":{"a":1}}}',
    );
    expect(answer.status).toBe(200);
    expect(Object.getPrototypeOf({}).a).toBeUndefined();
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'a form of another site that says it is %s is refused',
    async (type) => {
      expect((await post('{"query":"{ cursor }"}', { 'content-type': type })).status).toBe(400);
    },
  );

  it('a page of another site is told nothing', async () => {
    const origin = 'https://evil.example';
    const asked = await fetch(`${gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    const answer = await post('{"query":"{ cursor }"}', { origin });
    for (const { headers } of [asked, answer]) {
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('an answer is nothing that a page could show or a browser guess about', async () => {
    const { headers } = await post('{"query":"{ cursor }"}');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('with a list of trusted documents', () => {
  const env = { TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_FILE: 'documents.json' };
  const manifest = JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: 'abc', name: 'Q', type: 'query', body: 'query Q { cursor }' }],
  });
  let strict: TestGateway;

  beforeAll(async () => {
    strict = await startTarget(disposal, { env, trustedDocumentsText: manifest });
  });

  it.each(TRANSPORTS)('any other is refused, by %s', async (transport) => {
    expect(codesOf(await say(callers, strict, transport, { query: '{ cursor }' }))).toEqual([
      'DOCUMENT_NOT_TRUSTED',
    ]);
  });

  it.each(TRANSPORTS)('one of the list is run, in full and by its id, by %s', async (transport) => {
    const named = await say(callers, strict, transport, { query: '', documentId: 'abc' });
    const full = await say(callers, strict, transport, { query: 'query Q { cursor }' });
    for (const said of [named, full])
      expect(said.data).toMatchObject({ cursor: expect.any(String) });
  });

  const NAMED: readonly (readonly [string, Omit<Payload, 'query'>])[] = [
    ['documentId', { documentId: 'abc' }],
    ['documentId with its kind', { documentId: 'sha256:abc' }],
    ['doc_id', { doc_id: 'abc' }],
    ['id', { id: 'abc' }],
    [
      'a hash of Apollo Client',
      { extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } } },
    ],
  ];

  it.each(NAMED.flatMap(([what, named]) => TRANSPORTS.map((by) => [what, by, named] as const)))(
    'one of the list is found by %s, by %s',
    async (_, transport, named) => {
      const { data } = await say(callers, strict, transport, { query: '', ...named });
      expect(data).toMatchObject({ cursor: expect.any(String) });
      const other = await say(callers, strict, transport, { query: '{ cursor }', ...named });
      expect(codesOf(other)).toEqual(['DOCUMENT_NOT_TRUSTED']);
    },
  );

  it.each(TRANSPORTS)(
    'another is run and told in the log where that is asked for, by %s',
    async (transport) => {
      const { log, lines } = createRecordedLog();
      const lenient = await startTarget(callers, {
        log,
        env: { ...env, TRUSTED_DOCUMENTS: 'warn' },
        trustedDocumentsText: manifest,
      });
      const told = () =>
        lines.filter(({ msg }) => msg === 'a document that is not trusted was run');

      const known = await say(callers, lenient, transport, { query: '', documentId: 'abc' });
      expect([known.errors, told()]).toEqual([[], []]);
      const strange = await say(callers, lenient, transport, {
        query: '{ user(externalUserId: "passport-of-ada") { id } }',
      });
      expect(strange.errors).toEqual([]);
      expect(told()).toMatchObject([{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
      expect(JSON.stringify(lines)).not.toContain('passport-of-ada');
    },
  );

  it.each(TRANSPORTS)('an id that nobody knows is refused, by %s', async (transport) => {
    const said = await say(callers, strict, transport, { query: '', documentId: 'toString' });
    expect(codesOf(said)).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  });
});
