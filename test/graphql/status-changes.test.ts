/** Queries for the change log, nodes and deliveries. */

import {
  apiKey,
  codesOf,
  endUser,
  NOW,
  OPERATOR,
  openWorld,
  statusEvent,
  type World,
} from './world';

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 0));
  await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 1));
  await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 5));
  await world.recordEvents('p100', statusEvent('bob', 'REJECTED', 6, { level: 'id' }));
  await world.record({
    provider: 'paycaddy',
    rawBody: Buffer.from('{"name":"Bob Invented"'),
    trust: 'TOKEN',
    reading: {
      kind: 'QUARANTINED',
      eventType: null,
      duplicateKey: 'broken',
      reason: { code: 'PAYLOAD_INVALID', message: 'The body must be JSON.' },
    },
  });
});

afterAll(() => world.close());

const CHANGES = `query ($filter: StatusChangeFilter, $first: Int, $after: String) {
  statusChanges(filter: $filter, first: $first, after: $after) { totalCount
    nodes { id cursor user { externalUserId } attemptStatus verificationStatus previousVerificationStatus }
    pageInfo { endCursor hasNextPage } } }`;

describe('statusChanges(…)', () => {
  it('returns all changes, oldest first', async () => {
    const { data, errors } = await world.execute(
      OPERATOR,
      `{ statusChanges { nodes { user { externalUserId } level { key } provider
          attempt { number status } attemptStatus previousAttemptStatus levelStatus previousLevelStatus
          verificationStatus previousVerificationStatus active previousActive rejection { retryable }
          cause { kind actor mergedUserId delivery { eventType } } occurredAt recordedAt } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.statusChanges.nodes).toHaveLength(4);
    expect(data.statusChanges.nodes[2]).toEqual({
      user: { externalUserId: 'ann' },
      level: { key: 'sumsub/basic' },
      provider: 'SUMSUB',
      attempt: { number: 1, status: 'APPROVED' },
      attemptStatus: 'APPROVED',
      previousAttemptStatus: 'PENDING',
      levelStatus: 'VERIFIED',
      previousLevelStatus: 'NOT_VERIFIED',
      verificationStatus: 'VERIFIED',
      previousVerificationStatus: 'NOT_VERIFIED',
      active: true,
      previousActive: true,
      rejection: null,
      cause: { kind: 'DELIVERY', actor: null, mergedUserId: null, delivery: { eventType: 'test' } },
      occurredAt: '2024-06-01T08:05:00.000Z',
      recordedAt: NOW.toISOString(),
    });
    expect(data.statusChanges.nodes[3].rejection).toEqual({ retryable: null });
  });

  it.each([
    [{}, ['ann', 'bob', 'ann', 'bob']],
    [{ externalUserId: 'ann' }, ['ann', 'ann']],
    [{ externalUserId: 'nobody' }, []],
    [{ provider: 'P100' }, ['bob']],
    [{ level: 'sumsub/basic' }, ['ann', 'bob', 'ann']],
    [{ level: 'id', provider: 'P100' }, ['bob']],
    [{ attemptStatus: ['APPROVED', 'REJECTED'] }, ['ann', 'bob']],
    [{ verificationStatus: ['VERIFIED'] }, ['ann']],
    [{ verificationStatusChanged: true }, ['ann']],
    [{ verificationStatusChanged: false }, ['ann', 'bob', 'bob']],
  ])('filters by %j', async (filter, names) => {
    const { data, errors } = await world.execute(OPERATOR, CHANGES, { filter });
    expect(errors).toBeUndefined();
    expect(
      data.statusChanges.nodes.map(
        (node: { user: { externalUserId: string } }) => node.user.externalUserId,
      ),
    ).toEqual(names);
    expect(data.statusChanges.totalCount).toBe(names.length);
  });

  it('pages over all changes without a gap', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const { data } = await world.execute(OPERATOR, CHANGES, { first: 1, after });
      const { nodes, pageInfo } = data.statusChanges;
      seen.push(...nodes.map((node: { cursor: string }) => node.cursor));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(new Set(seen).size).toBe(4);
    expect(seen.at(-1)).toBe((await world.execute(OPERATOR, '{ cursor }')).data.cursor);
  });

  it('returns cursors of the log in edges and page info, for every owner of changes', async () => {
    const page = 'edges { cursor node { cursor } } pageInfo { startCursor endCursor }';
    const { data } = await world.execute(
      OPERATOR,
      `{ statusChanges { ${page} }
        user(externalUserId: "ann") { statusChanges { ${page} } attempts { nodes { statusChanges { ${page} } } } }
        webhookDeliveries(filter: { provider: P100 }) { nodes { statusChanges { ${page} } } } }`,
    );
    const pages = [
      data.statusChanges,
      data.user.statusChanges,
      data.user.attempts.nodes[0].statusChanges,
      data.webhookDeliveries.nodes[0].statusChanges,
    ];
    for (const { edges, pageInfo } of pages) {
      const cursors = edges.map(({ cursor }: { cursor: string }) => cursor);
      expect(cursors.length).toBeGreaterThan(0);
      expect(cursors).toEqual(edges.map(({ node }: { node: { cursor: string } }) => node.cursor));
      expect(pageInfo).toEqual({ startCursor: cursors[0], endCursor: cursors.at(-1) });
    }
  });

  // Regression: a poller could not continue from the cursor of a query or a pushed change.
  it('continues after and before a cursor of the log', async () => {
    const { data } = await world.execute(OPERATOR, CHANGES);
    const [first, second, third, fourth] = data.statusChanges.nodes.map(
      ({ cursor }: { cursor: string }) => cursor,
    );
    const after = await world.execute(OPERATOR, CHANGES, { after: second });
    expect(cursorsIn(after)).toEqual([third, fourth]);
    const between = await world.execute(
      OPERATOR,
      `query ($after: String, $before: String) {
        statusChanges(last: 5, after: $after, before: $before) { nodes { cursor } } }`,
      { after: first, before: fourth },
    );
    expect(cursorsIn(between)).toEqual([second, third]);
    const head = await world.execute(OPERATOR, '{ cursor }');
    expect(cursorsIn(await world.execute(OPERATOR, CHANGES, { after: head.data.cursor }))).toEqual(
      [],
    );
  });

  it('distinguishes page cursors from cursors of the log', async () => {
    const { data } = await world.execute(OPERATOR, '{ cursor users { pageInfo { endCursor } } }');
    const page = data.users.pageInfo.endCursor;
    expect(page).toMatch(/^page_/);
    const wrong = await world.execute(OPERATOR, CHANGES, { after: page });
    expect(codesOf(wrong)).toEqual(['CURSOR_INVALID']);
    expect(wrong.errors?.[0]?.message).toContain('cursor of a page');
    const subscription = 'subscription ($after: String) { statusChanged(after: $after) { id } }';
    const { rejection } = await world.subscribe(OPERATOR, subscription, { after: page });
    expect(rejection && codesOf(rejection)).toEqual(['CURSOR_INVALID']);
    expect(rejection?.errors?.[0]?.message).toContain('cursor of a page');
    const users = 'query ($after: String) { users(after: $after) { totalCount nodes { id } } }';
    const other = await world.execute(OPERATOR, users, { after: data.cursor });
    expect(codesOf(other)).toEqual(['BAD_USER_INPUT']);
    expect(other.errors?.[0]?.message).toContain('cursor of the change log');
  });

  it('accepts a page cursor without the prefix', async () => {
    const users =
      'query ($after: String) { users(first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }';
    const { data } = await world.execute(OPERATOR, users);
    const after: string = data.users.pageInfo.endCursor;
    const old = await world.execute(OPERATOR, users, { after: after.replace('page_', '') });
    expect(old).toEqual(await world.execute(OPERATOR, users, { after }));
    expect(old.data.users.nodes).toHaveLength(1);
  });

  it('rejects a cursor before trimmed entries, and a cursor ahead of the log', async () => {
    const own = await openWorld();
    await own.recordEvents('sumsub', statusEvent('ann', 'PENDING', 0));
    const { data } = await own.execute(OPERATOR, CHANGES);
    const [start] = data.statusChanges.nodes;
    await own.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 1));
    await own.recordEvents('sumsub', statusEvent('ann', 'REJECTED', 2));
    await own.store.trimLog(new Date(NOW.getTime() + 1));
    const expired = await own.execute(OPERATOR, CHANGES, { after: start.cursor });
    expect(codesOf(expired)).toEqual(['CURSOR_EXPIRED']);
    const oldest = expired.errors?.[0]?.extensions?.oldestCursor;
    expect(codesOf(await own.execute(OPERATOR, CHANGES, { after: oldest }))).toEqual([]);
    const ahead = await own.execute(OPERATOR, CHANGES, {
      after: encode(`${own.store.logId}:1000`),
    });
    expect(codesOf(ahead)).toEqual(['CURSOR_INVALID']);
    await own.close();
  });

  it('is a field of users, attempts and deliveries, with counts', async () => {
    const { data, errors } = await world.execute(
      OPERATOR,
      `{ user(externalUserId: "ann") { statusChanges(first: 1) { totalCount nodes { attemptStatus } }
           attempts { nodes { statusChanges(last: 1) { totalCount nodes { attemptStatus } } } } }
         webhookDeliveries(filter: { provider: P100 }) { nodes { statusChanges { totalCount } } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      user: {
        statusChanges: { totalCount: 2, nodes: [{ attemptStatus: 'PENDING' }] },
        attempts: {
          nodes: [{ statusChanges: { totalCount: 2, nodes: [{ attemptStatus: 'APPROVED' }] } }],
        },
      },
      webhookDeliveries: { nodes: [{ statusChanges: { totalCount: 1 } }] },
    });
  });
});

describe('webhookDeliveries(…)', () => {
  it('lists deliveries newest first, and malformed ones with the reason', async () => {
    const { data } = await world.execute(
      OPERATOR,
      `{ webhookDeliveries(first: 2) { totalCount nodes {
          provider disposition reason eventType trust duplicates rawBody(reason: "test") user { externalUserId } } } }`,
    );
    expect(data.webhookDeliveries.totalCount).toBe(5);
    expect(data.webhookDeliveries.nodes).toEqual([
      {
        provider: 'PAYCADDY',
        disposition: 'QUARANTINED',
        reason: 'The body must be JSON.',
        eventType: null,
        trust: 'TOKEN',
        duplicates: 0,
        rawBody: '{"name":"Bob Invented"',
        user: null,
      },
      expect.objectContaining({ provider: 'P100', user: { externalUserId: 'bob' } }),
    ]);
  });

  it.each([
    ['disposition: [QUARANTINED]', 1],
    ['disposition: [APPLIED, QUARANTINED]', 5],
    ['eventType: "test"', 4],
    ['provider: SUMSUB', 3],
    ['receivedBefore: "2024-06-01T12:00:02Z"', 1],
    ['receivedFrom: "2024-06-01T12:00:02Z"', 4],
    ['userIds: []', 0],
  ])('filters by %s', async (filter, count) => {
    const { data } = await world.execute(
      OPERATOR,
      `{ webhookDeliveries(filter: { ${filter} }) { totalCount nodes { id } } }`,
    );
    expect(data.webhookDeliveries.totalCount).toBe(count);
    expect(data.webhookDeliveries.nodes).toHaveLength(count);
  });
});

describe('node(…)', () => {
  it('fetches every kind of Node', async () => {
    const { data } = await world.execute(
      OPERATOR,
      `{ users { nodes { id } } verificationAttempts { nodes { id } } statusChanges { nodes { id } }
         webhookDeliveries { nodes { id } } }`,
    );
    const connections: { nodes: { id: string }[] }[] = Object.values(data);
    const ids = connections.flatMap(({ nodes }) => nodes.map(({ id }) => id));
    expect(new Set(ids).size).toBe(2 + 3 + 4 + 5);
    for (const id of ids) {
      const response = await world.execute(
        OPERATOR,
        'query ($id: ID!) { node(id: $id) { __typename id } }',
        {
          id,
        },
      );
      expect(response.errors).toBeUndefined();
      expect(response.data.node.id).toBe(id);
      expect(Buffer.from(id, 'base64url').toString()).toMatch(
        new RegExp(`^${response.data.node.__typename}:`),
      );
    }
  });

  it.each(['', 'nonsense', 'User:0x1', encode('User:999'), encode('Nobody:1'), encode('User:01')])(
    'returns null for %j',
    async (id) => {
      const response = await world.execute(OPERATOR, 'query ($id: ID!) { node(id: $id) { id } }', {
        id,
      });
      expect(response).toEqual({ data: { node: null } });
    },
  );

  it('returns null for parts of a user', async () => {
    const { data } = await world.execute(
      OPERATOR,
      '{ user(externalUserId: "ann") { identities { id } } }',
    );
    const response = await world.execute(OPERATOR, 'query ($id: ID!) { node(id: $id) { id } }', {
      id: data.user.identities[0].id,
    });
    expect(response).toEqual({ data: { node: null } });
  });
});

describe('scopes of API keys', () => {
  it.each([
    '{ user(externalUserId: "ann") { id } }',
    '{ users { totalCount } }',
    '{ verificationAttempts { totalCount } }',
    '{ statusChanges { totalCount } }',
    '{ webhookDeliveries { totalCount } }',
    '{ levels { key } }',
    '{ providers { name } }',
    '{ cursor }',
    '{ node(id: "x") { id } }',
  ])('require `read`: %s', async (source) => {
    expect(codesOf(await world.execute(apiKey('operate', 'pii:read'), source))).toEqual([
      'FORBIDDEN',
    ]);
    expect(codesOf(await world.execute(apiKey('read'), source))).toEqual([]);
  });

  it('allow `viewer` without a scope', async () => {
    const { data } = await world.execute(apiKey(), '{ viewer { scopes user { id } } }');
    expect(data).toEqual({ viewer: { scopes: [], user: null } });
  });

  it('require `pii:read` for profiles and raw bodies, not for other fields', async () => {
    const response = await world.execute(
      apiKey('read'),
      '{ user(externalUserId: "ann") { active profile { age } } webhookDeliveries { nodes { trust rawBody } } }',
    );
    expect(new Set(codesOf(response))).toEqual(new Set(['FORBIDDEN']));
    expect(response.data.user).toEqual({ active: true, profile: null });
    expect(response.data.webhookDeliveries.nodes[0]).toEqual({ trust: 'TOKEN', rawBody: null });
    expect(JSON.stringify(response)).not.toContain('Invented');
  });

  it('require `pii:read` in the token of an end user for their own profile', async () => {
    await world.recordEvents('p100', {
      type: 'PROFILE',
      subjectRef: 'ref-bob',
      externalUserId: 'bob',
      profile: { age: '44' },
    });
    const source = '{ viewer { user { profile { age } } } }';
    const allowed = await world.execute(endUser('bob', 'pii:read'), source);
    expect(allowed.data.viewer.user.profile).toEqual({ age: '44' });
    const rejection = await world.execute(endUser('bob'), source);
    expect(codesOf(rejection)).toEqual(['FORBIDDEN']);
    expect(rejection.data.viewer.user.profile).toBeNull();
  });
});

function cursorsIn({ data }: Awaited<ReturnType<World['execute']>>): readonly string[] {
  return data.statusChanges.nodes.map(({ cursor }: { cursor: string }) => cursor);
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
