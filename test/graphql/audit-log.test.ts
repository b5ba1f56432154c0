/** The audit log over GraphQL: for keys with a scope of its own, found by what was done, by whom, to what and when. */

import type { AuditAct } from '../../src/domain/audit';
import { encodeNodeId } from '../../src/graphql/relay/node-id';
import { apiKey, codesOf, endUser, NOW, OPERATOR, openWorld, type World } from './world';

const AUDITOR = apiKey('audit:read');
const MINUTE_MS = 60_000;
let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.store.audit.record([
    act(0, { subject: 'User:1', reason: 'ticket 1', details: { mergedUserId: 7, note: null } }),
    act(1, { subject: 'User:2', actor: 'cli:root' }),
    act(2, { action: 'RAW_BODY_READ', subject: 'WebhookDelivery:1' }),
    act(3, { action: 'API_KEY_CREATED', subject: 'ApiKey:3', actor: 'cli:root' }),
    act(4, { action: 'LOG_TRIMMED', subject: null, actor: 'gateway' }),
  ]);
});

afterAll(() => world.close());

function act(minute: number, changed: Partial<AuditAct>): AuditAct {
  return {
    action: 'PROFILE_READ',
    actor: 'ApiKey:3 back office',
    subject: null,
    reason: null,
    details: {},
    at: new Date(NOW.getTime() + minute * MINUTE_MS),
    ...changed,
  };
}

async function found(args: string, principal = AUDITOR) {
  const answer = await world.ask(principal, `{ auditLog${args} { totalCount nodes { seq } } }`);
  expect(answer.errors).toBeUndefined();
  const { totalCount, nodes } = answer.data.auditLog;
  return [totalCount, nodes.map(({ seq }: { seq: number }) => seq)];
}

it('tells all of an entry, newest first', async () => {
  const { data } = await world.ask(
    AUDITOR,
    `{ auditLog(first: 5) { nodes { id seq at action actor subject reason details { name value } previous hash } } }`,
  );
  const nodes = data.auditLog.nodes;
  expect(nodes.map(({ seq }: { seq: number }) => seq)).toEqual([5, 4, 3, 2, 1]);
  expect(nodes[4]).toEqual({
    id: encodeNodeId('AuditEntry', 1),
    seq: 1,
    at: NOW.toISOString(),
    action: 'PROFILE_READ',
    actor: 'ApiKey:3 back office',
    subject: 'User:1',
    reason: 'ticket 1',
    details: [{ name: 'mergedUserId', value: '7' }],
    previous: '0'.repeat(64),
    hash: nodes[3].previous,
  });
});

it.each([
  ['', [5, [5, 4, 3, 2, 1]]],
  ['(filter: { action: [PROFILE_READ] })', [2, [2, 1]]],
  ['(filter: { action: [RAW_BODY_READ, LOG_TRIMMED] })', [2, [5, 3]]],
  ['(filter: { actor: "cli:root" })', [2, [4, 2]]],
  ['(filter: { actor: "cli:root", action: [API_KEY_CREATED] })', [1, [4]]],
  [`(filter: { subject: "${encodeNodeId('User', 2)}" })`, [1, [2]]],
  [`(filter: { subject: "${encodeNodeId('WebhookDelivery', 1)}" })`, [1, [3]]],
  ['(filter: { subject: "ApiKey:3" })', [1, [4]]],
  ['(filter: { subject: "User:99" })', [0, []]],
  ['(filter: { from: "2024-06-01T12:01:00Z", before: "2024-06-01T12:03:00Z" })', [2, [3, 2]]],
  ['(filter: {}, first: 2)', [5, [5, 4]]],
  ['(last: 2)', [5, [2, 1]]],
])('finds entries by %s', async (args, expected) => {
  expect(await found(args)).toEqual(expected);
});

it('goes on behind a cursor', async () => {
  const page = 'nodes { seq } pageInfo { endCursor hasNextPage }';
  const first = await world.ask(AUDITOR, `{ auditLog(first: 3) { ${page} } }`);
  const { endCursor, hasNextPage } = first.data.auditLog.pageInfo;
  expect(hasNextPage).toBe(true);
  expect(await found(`(first: 3, after: "${endCursor}")`)).toEqual([5, [2, 1]]);
});

it('gives an entry by its id', async () => {
  const source = `{ node(id: "${encodeNodeId('AuditEntry', 3)}") { id ... on AuditEntry { action } } }`;
  const { data } = await world.ask(AUDITOR, source);
  expect(data.node).toEqual({ id: encodeNodeId('AuditEntry', 3), action: 'RAW_BODY_READ' });
  expect((await world.ask(OPERATOR, source)).data.node).toBeNull();
  expect((await world.ask(endUser('ann', 'pii:read'), source)).data.node).toBeNull();
  expect(codesOf(await world.ask(apiKey('metrics'), source))).toEqual(['FORBIDDEN']);
});

it('is for nobody else, and its scope opens nothing else', async () => {
  const principals = [OPERATOR, apiKey('metrics'), endUser('ann', 'pii:read', 'audit:read')];
  for (const principal of principals) {
    const answer = await world.ask(principal, '{ auditLog { totalCount } }');
    expect(codesOf(answer)).toEqual(['FORBIDDEN']);
    expect(answer.data).toBeFalsy();
  }
  for (const source of ['{ users { totalCount } }', '{ statusChanges { totalCount } }']) {
    expect(codesOf(await world.ask(AUDITOR, source))).toEqual(['FORBIDDEN']);
  }
  const user = `{ node(id: "${encodeNodeId('User', 1)}") { id } }`;
  expect(codesOf(await world.ask(AUDITOR, user))).toEqual(['FORBIDDEN']);
});

it.each(['User:', 'User:1 OR 1=1', 'nonsense', ''])('refuses the subject %j', async (subject) => {
  const answer = await world.ask(
    AUDITOR,
    'query ($subject: ID) { auditLog(filter: { subject: $subject }) { totalCount } }',
    { subject },
  );
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
});

it('is read without leaving a trace in it', async () => {
  await found('');
  expect(await found('')).toEqual([5, [5, 4, 3, 2, 1]]);
});
