/**
 * Compares planned queries with plain execution: `GET /graphql` is always executed field by field, so a POST must return
 * the same bytes.
 */

import fc from 'fast-check';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';
import { delivery, fractalId, p100, paycaddy, sumsub } from '../store/provider-deliveries';
import { createDisposal } from '../support/disposal';
import { runCount } from '../support/run-count';
import { API_KEY, startGateway, type TestGateway, tokenFor } from './support/gateway';
import { randomQuery } from './support/random-query';

const disposal = createDisposal('all');
const SCHEMA = createSchema(PROVIDERS);
const QUERIES = runCount(800);
/** Texts that mean something to JSON, to SQL, or to us. */
const NASTY = [
  'ada',
  'quote " backslash \\ slash /',
  '["User",12]',
  '","id":["User",1]',
  "it's; DROP TABLE users; --",
  'line\nbreak\ttab\u0001\u001f\u007f\u2028',
  'é 😀 ü',
  'ben',
];
const LEVELS = ['basic-kyc-level', 'a/b "c"', 'x'];

/** PostgreSQL has no such statement yet: there every query is executed plainly. */

let gateway: TestGateway;
let statements: string[];
let cursors: readonly string[];
let ids: readonly string[];

beforeAll(async () => {
  statements = [];
  gateway = await startGateway(disposal, {
    onQuery: (sql) => statements.push(sql),
    limits: {
      documents: {
        tokens: 5_000,
        fields: 1_000,
        aliases: 1_000,
        depth: 100,
        cost: Number.POSITIVE_INFINITY,
      },
    }, // what is refused is the same for both
  });
  await fill(gateway);
  const { data } = await gateway.ask(
    '{ users(first: 20) { edges { cursor node { id } } } verificationAttempts(first: 50) { edges { cursor node { id } } } }',
  );
  const edges = [...data.users.edges, ...data.verificationAttempts.edges];
  cursors = edges.map(({ cursor }) => JSON.stringify(cursor));
  ids = edges.map(({ node }) => JSON.stringify(node.id));
});

it('is the same to the byte for random queries, for operators and end users', async () => {
  const tokens = await Promise.all(['ada', 'ben', 'nobody'].map((name) => tokenFor(name)));
  let short = 0;
  await fc.assert(
    fc.asyncProperty(fc.gen(), fc.nat(5), async (gen, who) => {
      const draw = (count: number) => gen(fc.nat, { max: count - 1 });
      const { query, variables } = randomQuery(SCHEMA, { of: values() }, draw);
      const credential = tokens[who] ?? API_KEY;
      const before = statements.length;
      const posted = await ask('POST', credential, query, variables);
      short += Number(isOneTree(askedSince(before)));
      expect(posted).toEqual(await ask('GET', credential, query, variables));
    }),
    { numRuns: QUERIES, endOnFailure: true },
  );
  // Otherwise plain execution is compared with itself.
  expect(short).toBeGreaterThan(QUERIES * 0.2);
}, 600_000);

it.each([
  '{ users { nodes { externalUserId levels { level { name } } } totalCount pageInfo { endCursor hasNextPage } } }',
  '{ user(externalUserId: "ada") { id attempts(first: 2) { edges { cursor node { level { key } user { id } } } } } }',
  '{ verificationAttempts(filter: { status: [APPROVED] }) { nodes { rejection { reasons { code } } } } cursor }',
  '{ users { totalCount } user(externalUserId: "ada") { attempts { totalCount __typename } } }',
  '{ users { nodes { levelCount sumsub: levelCount(provider: SUMSUB, status: VERIFIED) levels(first: 1, after: "p100/kyc") { level { key } latestAttempt { id } } } } }',
  '{ users(filter: { verificationStatus: [] }) { pageInfo { hasPreviousPage __typename } } }',
])('runs one statement: %s', async (query) => {
  const before = statements.length;
  const { status } = await ask('POST', API_KEY, query, {});
  expect(status).toBe(200);
  expect(askedSince(before)).toHaveLength(1);
  expect(await ask('POST', API_KEY, query, {})).toEqual(await ask('GET', API_KEY, query, {}));
});

it.each([
  ['a size out of range', '{ users(first: 101) { nodes { id } } }'],
  ['a foreign id', '{ user(id: "VXNlcjo5OTk5") { id } }'],
  ['too many levels', '{ users { nodes { levels(first: 501) { status } } } }'],
  ['an unreadable id', '{ user(id: "?") { id } }'],
  ['a malformed cursor', '{ users(after: "?") { nodes { id } } }'],
  ['an unknown field', '{ users { nodes { nothing } } }'],
  ['two ways to name a user', '{ user(id: "x", externalUserId: "ada") { id } }'],
  ['a missing variable', 'query ($id: String!) { user(externalUserId: $id) { id } }'],
  ['a syntax error', '{ users {'],
])('leaves %s to plain execution', async (_, query) => {
  expect(await ask('POST', API_KEY, query, {})).toEqual(await ask('GET', API_KEY, query, {}));
});

// The plan of the unnamed operation was remembered for it.
it('leaves the name of another operation to plain execution', async () => {
  const query = '{ users { nodes { externalUserId } } }';
  await ask('POST', API_KEY, query, {});
  const answer = await ask('POST', API_KEY, query, {}, 'Other');
  expect(answer).toEqual(await ask('GET', API_KEY, query, {}, 'Other'));
  expect(answer.text).toContain('OPERATION_RESOLUTION_FAILURE');
});

// SQLite was asked in vain again and again.
it('asks only once for more than a statement can hold', async () => {
  const nested = (depth: number): string =>
    depth === 0 ? 'id' : `levels { latestAttempt { user { ${nested(depth - 1)} } } }`;
  const query = `{ user(identity: { provider: PAYCADDY, ref: "paycaddy-3" }) { ${nested(30)} } }`;
  const before = statements.length;
  const answers = [await ask('POST', API_KEY, query, {}), await ask('POST', API_KEY, query, {})];
  const trees = statements.slice(before).filter((sql) => sql.includes(' AS json_query'));
  expect(trees).toHaveLength(1);
  const plain = await ask('GET', API_KEY, query, {});
  expect(answers).toEqual([plain, plain]);
});

it('returns no data without the scope `read`', async () => {
  const { key } = await gateway.createKey('operate');
  const answer = await ask('POST', key, '{ users { nodes { id } } }', {});
  expect(answer).toEqual(await ask('GET', key, '{ users { nodes { id } } }', {}));
  expect(answer.text).toContain('FORBIDDEN');
});

/** Periodic statements of a gateway: API keys, new changes, expiries, due erasures, silent providers. */
const BESIDES =
  /FROM api_keys|AS head|FROM changes|expires_at <= \?|FROM erasure_requests|FROM attempts WHERE decided_at IS NULL|FROM deliveries WHERE provider = \?|^(BEGIN|ROLLBACK)/;

/** Without what goes on by itself, which a slow machine has time for between any two questions. */
function askedSince(before: number): readonly string[] {
  return statements.slice(before).filter((sql) => isTree(sql) || !BESIDES.test(sql));
}

function isTree(sql: string): boolean {
  return sql.includes(' AS json_query');
}

function isOneTree(sql: readonly string[]): boolean {
  return sql.length === 1 && sql.every(isTree);
}

async function ask(
  method: 'GET' | 'POST',
  credential: string,
  query: string,
  variables: object,
  operationName?: string,
): Promise<{ readonly status: number; readonly type: string | null; readonly text: string }> {
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  if (operationName !== undefined) search.set('operationName', operationName);
  const headers = {
    authorization: `Bearer ${credential}`,
    accept: 'application/graphql-response+json',
    'content-type': 'application/json',
  };
  const response = await (method === 'GET'
    ? fetch(`${gateway.url}/graphql?${search}`, { headers })
    : fetch(`${gateway.url}/graphql`, {
        method,
        headers,
        body: JSON.stringify({ query, variables, operationName }),
      }));
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
}

function values(): Readonly<Record<string, readonly string[]>> {
  const names = NASTY.map((name) => JSON.stringify(name));
  const status = ['status: [APPROVED]', 'status: [REJECTED, PENDING]', 'status: []'];
  return {
    first: ['1', '2', '3', '7', '100', '0', 'null'],
    last: ['2'],
    after: [...cursors.slice(0, 9), 'null', '"?"'],
    before: cursors.slice(3, 6),
    id: [...ids.slice(0, 9), '"?"'],
    externalUserId: [...names, '"nobody"'],
    identity: ['{ provider: P100, ref: "ada" }', '{ provider: SUMSUB, ref: "applicant-0" }'],
    filter: [
      ...status.map((one) => `{ ${one} }`),
      '{ provider: SUMSUB, sandbox: false }',
      '{ verificationStatus: [VERIFIED] }',
      '{ level: "sumsub/basic-kyc-level" }',
      '{ active: true, createdFrom: "2024-01-01T00:00:00Z" }',
      '{ startedBefore: "2030-01-01T00:00:00Z", levelKind: LEVEL }',
      '{ externalUserId: "ada" }',
      '{ kind: COMPANY }',
    ],
    orderBy: ['{ field: UPDATED_AT, direction: ASC }', '{ field: STARTED_AT, direction: ASC }'],
    provider: ['SUMSUB'],
    status: ['VERIFIED'],
  };
}

async function fill({ store }: TestGateway): Promise<void> {
  const at = new Date('2024-06-01T00:00:00Z');
  const bodies = NASTY.flatMap((name, index) => {
    const applicantType = index % 3 === 1 ? 'company' : 'individual';
    const about = { applicantId: `applicant-${index}`, externalUserId: name, applicantType };
    const level = LEVELS[index % LEVELS.length];
    const red = {
      reviewAnswer: 'RED',
      reviewRejectType: 'RETRY',
      rejectLabels: ['FORGERY', 'BAD_SELFIE', 'a word "nobody" knows'],
      moderationComment: name,
    };
    return [
      ['sumsub', sumsub('applicantCreated', { ...about, levelName: level }, index * 10)],
      ['sumsub', sumsub('applicantPending', { ...about, levelName: level }, index * 10 + 1)],
      [
        'sumsub',
        sumsub(
          'applicantReviewed',
          { ...about, reviewResult: index % 2 ? red : { reviewAnswer: 'GREEN' } },
          index * 10 + 2,
        ),
      ],
      ['p100', p100(name, 'NOT_VERIFIED', index % 3 ? 'REJECTED_BY_PROVIDER' : 'IN_PROGRESS')],
      ['paycaddy', paycaddy(index % 2 ? 'verified' : 'reviewNeeded', `paycaddy-${index}`, index)],
      ['fractal-id', fractalId('verification_approved', 'basic+liveness', name, index)],
    ] as const;
  });
  for (const [provider, body] of bodies) await store.record(delivery(provider, body, at));
  await store.linkIdentity({
    provider: 'paycaddy',
    subjectRef: 'paycaddy-0',
    userId: 1,
    changeActor: 'test',
    auditActor: 'test',
    now: at,
  });
}
