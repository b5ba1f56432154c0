/** The audit log: filters by action, actor, subject and time, and its scope. */

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
  const response = await world.execute(
    principal,
    `{ auditLog${args} { totalCount nodes { seq } } }`,
  );
  expect(response.errors).toBeUndefined();
  const { totalCount, nodes } = response.data.auditLog;
  return [totalCount, nodes.map(({ seq }: { seq: number }) => seq)];
}

it('returns entries with all fields, newest first', async () => {
  const { data } = await world.execute(
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

it('continues after a cursor', async () => {
  const page = 'nodes { seq } pageInfo { endCursor hasNextPage }';
  const first = await world.execute(AUDITOR, `{ auditLog(first: 3) { ${page} } }`);
  const { endCursor, hasNextPage } = first.data.auditLog.pageInfo;
  expect(hasNextPage).toBe(true);
  expect(await found(`(first: 3, after: "${endCursor}")`)).toEqual([5, [2, 1]]);
});

it('returns an entry by its ID', async () => {
  const source = `{ node(id: "${encodeNodeId('AuditEntry', 3)}") { id ... on AuditEntry { action } } }`;
  const { data } = await world.execute(AUDITOR, source);
  expect(data.node).toEqual({ id: encodeNodeId('AuditEntry', 3), action: 'RAW_BODY_READ' });
  expect((await world.execute(OPERATOR, source)).data.node).toBeNull();
  expect((await world.execute(endUser('ann', 'pii:read'), source)).data.node).toBeNull();
  expect(codesOf(await world.execute(apiKey('metrics'), source))).toEqual(['FORBIDDEN']);
});

it('requires the `audit:read` scope, which allows nothing else', async () => {
  const principals = [OPERATOR, apiKey('metrics'), endUser('ann', 'pii:read', 'audit:read')];
  for (const principal of principals) {
    const response = await world.execute(principal, '{ auditLog { totalCount } }');
    expect(codesOf(response)).toEqual(['FORBIDDEN']);
    expect(response.data).toBeFalsy();
  }
  for (const source of ['{ users { totalCount } }', '{ statusChanges { totalCount } }']) {
    expect(codesOf(await world.execute(AUDITOR, source))).toEqual(['FORBIDDEN']);
  }
  const user = `{ node(id: "${encodeNodeId('User', 1)}") { id } }`;
  expect(codesOf(await world.execute(AUDITOR, user))).toEqual(['FORBIDDEN']);
});

it.each(['User:', 'User:1 OR 1=1', 'nonsense', ''])('rejects the subject %j', async (subject) => {
  const response = await world.execute(
    AUDITOR,
    'query ($subject: ID) { auditLog(filter: { subject: $subject }) { totalCount } }',
    { subject },
  );
  expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
});

it('writes no entry for reading the log', async () => {
  await found('');
  expect(await found('')).toEqual([5, [5, 4, 3, 2, 1]]);
});
