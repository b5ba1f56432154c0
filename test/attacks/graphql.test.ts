/** Malicious documents: each is rejected with the same code on every transport. */

import { getIntrospectionQuery } from 'graphql';
import { API_KEY, type TestGateway } from '../e2e/support/gateway';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { until } from '../support/until';
import {
  bytesInUse,
  expectHealthy,
  getCodes,
  type Payload,
  sendOperation,
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
  ['a cycle of types, 30 levels deep', `{ user(id: "x") { ${nested(30)} } }`, 'TOO_DEEP'],
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
  ['30 root fields', `{ ${times(30, (n) => `a${n}: cursor`)} }`, 'TOO_MANY_ROOT_FIELDS'],
  [
    '21 mutations',
    `mutation { ${times(21, (n) => `a${n}: createUser(input: {}) { created }`)} }`,
    'TOO_MANY_ROOT_FIELDS',
  ],
  ['one field, 1,100 times', `{ viewer { ${'kind '.repeat(1_100)} } }`, 'TOO_MANY_FIELDS'],
  ['100 directives', `{ cursor ${'@skip(if: false) '.repeat(100)} }`, 'TOO_MANY_DIRECTIVES'],
  ['500 unknown directives', `{ cursor ${'@x '.repeat(500)} }`, 'TOO_MANY_DIRECTIVES'],
  ['fragments that double 40 times', doubling, 'TOO_MANY_FIELDS'],
  [
    '100 fragments',
    `{ cursor } ${times(100, (n) => `fragment F${n} on Query { cursor }`)}`,
    'TOO_MANY_FRAGMENTS',
  ],
  [
    'a fragment inside itself',
    '{ user(id: "x") { ...A } } fragment A on User { ...A }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'a cycle of fragments',
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
  ['introspection of one type', '{ __type(name: "User") { name } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['an unterminated selection', '{ users { nodes { ', 'GRAPHQL_PARSE_FAILED'],
  ['an unterminated string', '{ user(id: "', 'GRAPHQL_PARSE_FAILED'],
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

describe('a malicious document is rejected:', () => {
  it.each(CASES)('%s, by %s', async (_, transport, query, code) => {
    const tooLong = transport === 'GET' && query.length > 8_000; // for a URL
    if (!tooLong) {
      expect(getCodes(await sendOperation(callers, gateway, transport, { query }))).toEqual([code]);
    }
    await expectHealthy(gateway);
  });
});

it.each(TRANSPORTS)('a page size in a variable has the same cost, by %s', async (transport) => {
  const query =
    'query ($n: Int!) { users(first: $n) { nodes { attempts(first: $n) { nodes { id status number provider } } } } }';
  const small = await sendOperation(callers, gateway, transport, { query, variables: { n: 5 } });
  expect(small.errors).toEqual([]);
  const large = await sendOperation(callers, gateway, transport, { query, variables: { n: 100 } });
  expect(large.errors).toMatchObject([
    { extensions: { code: 'TOO_COSTLY', cost: { requested: 50_201, allowed: 50_000 } } },
  ]);
  await expectHealthy(gateway);
});

it.each(TRANSPORTS)('a misspelled name gets no suggestions, by %s', async (transport) => {
  const queries = [
    '{ usrs { totalCount } }',
    '{ users(filter: { verificationStatus: [VERIFID] }) { totalCount } }',
  ];
  for (const query of queries) {
    const result = await sendOperation(callers, gateway, transport, { query });
    expect(getCodes(result)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect(JSON.stringify(result)).not.toMatch(/did you mean|"users/i);
  }
});

it('a misspelled value of a variable gets no suggestions', async () => {
  const result = await sendOperation(callers, gateway, 'POST', {
    query:
      'query ($s: [VerificationStatus!]) { users(filter: { verificationStatus: $s }) { totalCount } }',
    variables: { s: ['VERIFID'] },
  });
  expect(result.errors).toHaveLength(1);
  expect(JSON.stringify(result)).not.toMatch(/did you mean/i);
});

it('a thousand different malicious documents do not leak memory', async () => {
  const attack = async (from: number) => {
    for (let index = from; index < from + 500; index += 1) {
      const query = `{ viewer { ${times(45, (n) => `a${index}x${n}: kind`)} } } # ${'x'.repeat(20_000)}`;
      await sendOperation(callers, gateway, 'POST', { query });
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

  it('a batch is rejected', async () => {
    const answer = await post(JSON.stringify([{ query: '{ cursor }' }, { query: '{ cursor }' }]));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'BAD_REQUEST' } }],
    });
  });

  it('a body over 64 KiB is rejected', async () => {
    const answer = await post(JSON.stringify({ query: `{ cursor } # ${'x'.repeat(70_000)}` }));
    expect(answer.status).toBe(413);
  });

  it('a compressed body is rejected', async () => {
    const answer = await post(Buffer.alloc(100), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(415);
  });

  it('variables nested 20,000 deep are rejected', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const answer = await post(
      `{"query":"query ($a: Int) { users(first: $a) { totalCount } }","variables":{"a":${deep}}}`,
    );
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'BODY_UNREADABLE' } }],
    });
  });

  it('variables in __proto__ are ignored', async () => {
    const answer = await post(
      '{"query":"query ($a: Int = 1) { users(first: $a) { totalCount } }","variables":{"__proto__":{"a":1}}}',
    );
    expect(answer.status).toBe(200);
    expect(Object.getPrototypeOf({}).a).toBeUndefined();
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'a form of another site with the type %s is rejected',
    async (type) => {
      expect((await post('{"query":"{ cursor }"}', { 'content-type': type })).status).toBe(400);
    },
  );

  it('a page of another site gets no CORS headers', async () => {
    const origin = 'https://evil.example';
    const preflight = await fetch(`${gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    const answer = await post('{"query":"{ cursor }"}', { origin });
    for (const { headers } of [preflight, answer]) {
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('a response has security headers', async () => {
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

  it.each(TRANSPORTS)('another document is rejected, by %s', async (transport) => {
    expect(
      getCodes(await sendOperation(callers, strict, transport, { query: '{ cursor }' })),
    ).toEqual(['DOCUMENT_NOT_TRUSTED']);
  });

  it.each(TRANSPORTS)(
    'a trusted document is executed, in full and by ID, by %s',
    async (transport) => {
      const named = await sendOperation(callers, strict, transport, {
        query: '',
        documentId: 'abc',
      });
      const full = await sendOperation(callers, strict, transport, { query: 'query Q { cursor }' });
      for (const result of [named, full])
        expect(result.data).toMatchObject({ cursor: expect.any(String) });
    },
  );

  const NAMED: readonly (readonly [string, Omit<Payload, 'query'>])[] = [
    ['documentId', { documentId: 'abc' }],
    ['documentId with a prefix', { documentId: 'sha256:abc' }],
    ['doc_id', { doc_id: 'abc' }],
    ['id', { id: 'abc' }],
    [
      'the hash of Apollo Client',
      { extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } } },
    ],
  ];

  it.each(NAMED.flatMap(([what, named]) => TRANSPORTS.map((by) => [what, by, named] as const)))(
    'a trusted document is found by %s, by %s',
    async (_, transport, named) => {
      const { data } = await sendOperation(callers, strict, transport, { query: '', ...named });
      expect(data).toMatchObject({ cursor: expect.any(String) });
      const other = await sendOperation(callers, strict, transport, {
        query: '{ cursor }',
        ...named,
      });
      expect(getCodes(other)).toEqual(['DOCUMENT_NOT_TRUSTED']);
    },
  );

  it.each(TRANSPORTS)(
    'another document is executed and logged in mode `warn`, by %s',
    async (transport) => {
      const { log, lines } = createRecordedLog();
      const lenient = await startTarget(callers, {
        log,
        env: { ...env, TRUSTED_DOCUMENTS: 'warn' },
        trustedDocumentsText: manifest,
      });
      const logged = () => lines.filter(({ msg }) => msg === 'executed untrusted document');

      const known = await sendOperation(callers, lenient, transport, {
        query: '',
        documentId: 'abc',
      });
      expect([known.errors, logged()]).toEqual([[], []]);
      const untrusted = await sendOperation(callers, lenient, transport, {
        query: '{ user(externalUserId: "passport-of-ada") { id } }',
      });
      expect(untrusted.errors).toEqual([]);
      expect(logged()).toMatchObject([{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
      expect(JSON.stringify(lines)).not.toContain('passport-of-ada');
    },
  );

  it.each(TRANSPORTS)('an unknown ID is rejected, by %s', async (transport) => {
    const result = await sendOperation(callers, strict, transport, {
      query: '',
      documentId: 'toString',
    });
    expect(getCodes(result)).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  });
});
