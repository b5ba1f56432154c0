/** Queries for users and their fields. */

import { at, codesOf, endUser, OPERATOR, openWorld, statusEvent, type World } from './world';

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 0));
  await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 5));
  await world.recordEvents(
    'sumsub',
    statusEvent('bob', 'REJECTED', 10, {
      retryable: true,
      reasons: [
        { code: 'DOCUMENT_QUALITY', providerCode: 'BAD_PHOTO', message: 'Take it again, please.' },
      ],
    }),
  );
  await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 20));
  await world.recordEvents(
    'sumsub',
    statusEvent('cleo', 'IN_REVIEW', 30, {
      level: 'plus/address',
      reasons: [{ code: 'PROOF_OF_ADDRESS', providerCode: null, message: null }],
      sandbox: true,
    }),
  );
  await world.recordEvents('p100', {
    type: 'PROFILE',
    subjectRef: 'ref-ann',
    externalUserId: 'ann',
    profile: { fullName: 'Ann Invented', email: 'ann@example.org' },
  });
  await world.recordEvents(
    'p100',
    statusEvent('ann', 'APPROVED', 40, { level: 'wallet', levelKind: 'ACTION', attemptRef: 'w-1' }),
  );
  await world.recordEvents('p100', {
    type: 'CREDENTIAL',
    subjectRef: 'ref-ann',
    credentialRef: 'cred-1',
    occurredAt: at(41),
  });
});

afterAll(() => world.close());

const names = (response: { data?: { users: { nodes: { externalUserId: string }[] } } }) =>
  response.data?.users.nodes.map((user) => user.externalUserId);

describe('user(…)', () => {
  it('finds a user by the plain ID that the audit log and the command line print', async () => {
    const { data } = await world.execute(OPERATOR, '{ user(externalUserId: "ann") { id } }');
    const plain = Buffer.from(data.user.id, 'base64url').toString();
    const response = await world.execute(
      OPERATOR,
      'query ($id: ID!) { user(id: $id) { id } node(id: $id) { id } verificationAttempts(filter: { userIds: [$id] }) { totalCount } }',
      { id: plain },
    );
    expect(plain).toMatch(/^User:\d+$/);
    expect(response.data).toMatchObject({ user: data.user, node: data.user });
    expect(response.data.verificationAttempts.totalCount).toBeGreaterThan(0);
  });

  it('finds the same user by ID, by external user ID and by identity', async () => {
    const { data } = await world.execute(OPERATOR, '{ user(externalUserId: "ann") { id } }');
    const response = await world.execute(
      OPERATOR,
      `query ($id: ID!) {
        byId: user(id: $id) { id externalUserId }
        byIdentity: user(identity: { provider: SUMSUB, ref: "ref-ann" }) { id }
      }`,
      { id: data.user.id },
    );
    expect(response).toEqual({
      data: {
        byId: { id: data.user.id, externalUserId: 'ann' },
        byIdentity: { id: data.user.id },
      },
    });
  });

  it.each([
    ['no argument', '{ user { id } }'],
    ['two arguments', '{ user(id: "x", externalUserId: "ann") { id } }'],
    [
      'an ID of another type',
      `{ user(id: "${Buffer.from('Identity:1').toString('base64url')}") { id } }`,
    ],
    ['a malformed ID', '{ user(id: "nonsense") { id } }'],
  ])('rejects %s with BAD_USER_INPUT', async (_, source) => {
    const response = await world.execute(OPERATOR, source);
    expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
    expect(response.data).toEqual({ user: null });
  });

  it('treats a null argument as absent', async () => {
    const response = await world.execute(
      OPERATOR,
      '{ user(id: null, externalUserId: "ann") { active } }',
    );
    expect(response).toEqual({ data: { user: { active: true } } });
  });

  it('returns null if the user does not exist', async () => {
    const response = await world.execute(
      OPERATOR,
      '{ a: user(externalUserId: "nobody") { id } b: user(identity: { provider: P100, ref: "x" }) { id } }',
    );
    expect(response).toEqual({ data: { a: null, b: null } });
  });

  it('explains why a user is verified, and ignores actions', async () => {
    const response = await world.execute(
      OPERATOR,
      `{ user(externalUserId: "ann") {
        verificationStatus
        verification { status since expiresAt
          because { level { key name kind provider } status since attempt { number status } }
          missing { level { key } } } } }`,
    );
    expect(response).toEqual({
      data: {
        user: {
          verificationStatus: 'VERIFIED',
          verification: {
            status: 'VERIFIED',
            since: '2024-06-01T08:05:00.000Z',
            expiresAt: null,
            because: [
              {
                level: { key: 'sumsub/basic', name: 'basic', kind: 'LEVEL', provider: 'SUMSUB' },
                status: 'VERIFIED',
                since: '2024-06-01T08:05:00.000Z',
                attempt: { number: 1, status: 'APPROVED' },
              },
            ],
            missing: [],
          },
        },
      },
    });
  });

  it('lists missing levels with their current status', async () => {
    const response = await world.execute(
      OPERATOR,
      `{ user(externalUserId: "bob") { verification { status because { since }
          missing { level { key } status attempt { number status } } } } }`,
    );
    expect(response.data.user.verification).toEqual({
      status: 'NOT_VERIFIED',
      because: [],
      missing: [
        {
          level: { key: 'sumsub/basic' },
          status: 'NOT_VERIFIED',
          attempt: { number: 2, status: 'PENDING' },
        },
      ],
    });
  });

  it('returns attempts with rejections and review reasons', async () => {
    const response = await world.execute(
      OPERATOR,
      `{ bob: user(externalUserId: "bob") { attempts { nodes { number status providerStatus decidedAt
            rejection { retryable reasons { code providerCode message } } reviewReasons { code } } } }
         cleo: user(externalUserId: "cleo") { attempts { nodes { sandbox trust level { name }
            rejection { retryable } reviewReasons { code providerCode } } } }
         ann: user(externalUserId: "ann") { attempts(filter: { levelKind: ACTION }) { totalCount
            nodes { providerAttemptRef level { kind } } } } }`,
    );
    expect(response.errors).toBeUndefined();
    expect(response.data.bob.attempts.nodes).toEqual([
      expect.objectContaining({ number: 2, status: 'PENDING', rejection: null, decidedAt: null }),
      {
        number: 1,
        status: 'REJECTED',
        providerStatus: 'provider REJECTED',
        decidedAt: '2024-06-01T08:10:00.000Z',
        rejection: {
          retryable: true,
          reasons: [
            {
              code: 'DOCUMENT_QUALITY',
              providerCode: 'BAD_PHOTO',
              message: 'Take it again, please.',
            },
          ],
        },
        reviewReasons: [],
      },
    ]);
    expect(response.data.cleo.attempts.nodes).toEqual([
      {
        sandbox: true,
        trust: 'SIGNED',
        level: { name: 'plus/address' },
        rejection: null,
        reviewReasons: [{ code: 'PROOF_OF_ADDRESS', providerCode: null }],
      },
    ]);
    expect(response.data.ann.attempts).toEqual({
      totalCount: 1,
      nodes: [{ providerAttemptRef: 'w-1', level: { kind: 'ACTION' } }],
    });
  });

  it('returns levels, identities, credentials and the profile', async () => {
    const response = await world.execute(
      OPERATOR,
      `{ user(externalUserId: "ann") {
        levels { level { key } status superseded latestAttempt { status } }
        p100: levels(provider: P100) { level { key } }
        expired: levels(status: EXPIRED) { level { key } }
        identities { provider ref externalUserId state linked }
        credentials { provider holderRef credentialRef issuedAt }
        profile(reason: "test") { fullName age email } } }`,
    );
    expect(response.errors).toBeUndefined();
    expect(response.data.user).toMatchObject({
      levels: [
        { level: { key: 'p100/wallet' }, status: 'VERIFIED', superseded: false },
        { level: { key: 'sumsub/basic' }, latestAttempt: { status: 'APPROVED' } },
      ],
      p100: [{ level: { key: 'p100/wallet' } }],
      expired: [],
      identities: [
        {
          provider: 'SUMSUB',
          ref: 'ref-ann',
          externalUserId: 'ann',
          state: 'ACTIVE',
          linked: false,
        },
        { provider: 'P100' },
      ],
      profile: { fullName: 'Ann Invented', age: null, email: 'ann@example.org' },
      credentials: [
        {
          provider: 'P100',
          holderRef: 'ref-ann',
          credentialRef: 'cred-1',
          issuedAt: '2024-06-01T08:41:00.000Z',
        },
      ],
    });
  });
});

describe('users(…)', () => {
  it.each([
    ['{}', ['cleo', 'bob', 'ann']],
    ['{ verificationStatus: [VERIFIED] }', ['ann']],
    ['{ verificationStatus: [VERIFIED, EXPIRED] }', ['ann']],
    ['{ externalUserId: "bob" }', ['bob']],
    ['{ externalUserId: "nobody" }', []],
    ['{ provider: P100 }', ['ann']],
    ['{ level: "sumsub/basic" }', ['bob', 'ann']],
    ['{ level: "basic", provider: SUMSUB }', ['bob', 'ann']],
    ['{ level: "plus/address", provider: SUMSUB }', ['cleo']],
    ['{ level: "sumsub/basic", provider: P100 }', ['ann']],
    ['{ active: false }', []],
    ['{ ids: [] }', []],
    ['{ createdFrom: "2024-06-01T14:00:00+02:00" }', ['cleo', 'bob', 'ann']],
    ['{ createdBefore: "2024-06-01T12:00:00Z" }', []],
    ['{ updatedFrom: "2030-01-01T00:00:00Z" }', []],
    ['{ verificationStatus: null, provider: null }', ['cleo', 'bob', 'ann']],
  ])('filters by %s', async (filter, expected) => {
    const response = await world.execute(
      OPERATOR,
      `{ users(filter: ${filter}) { nodes { externalUserId } totalCount } }`,
    );
    expect(response.errors).toBeUndefined();
    expect(names(response)).toEqual(expected);
    expect(response.data.users.totalCount).toBe(expected.length);
  });

  it('rejects a level name without a provider', async () => {
    const response = await world.execute(
      OPERATOR,
      '{ users(filter: { level: "basic" }) { totalCount } }',
    );
    expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
  });

  it.each(['CREATED_AT', 'UPDATED_AT'])('orders by %s in both directions', async (field) => {
    const ask = async (direction: string) =>
      names(
        await world.execute(
          OPERATOR,
          `{ users(orderBy: { field: ${field}, direction: ${direction} }) { nodes { externalUserId } } }`,
        ),
      );
    const ascending = await ask('ASC');
    expect(ascending).toHaveLength(3);
    expect(await ask('DESC')).toEqual([...(ascending ?? [])].reverse());
  });

  it('pages forward and backward over all users', async () => {
    const source = `query ($first: Int, $after: String, $last: Int, $before: String) {
      users(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { externalUserId } } nodes { externalUserId }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
    const page = async (variables: Record<string, unknown>) =>
      (await world.execute(OPERATOR, source, variables)).data.users;

    const one = await page({ first: 2 });
    expect(one.nodes.map((user: { externalUserId: string }) => user.externalUserId)).toEqual([
      'cleo',
      'bob',
    ]);
    expect(one.edges.map((edge: { node: object }) => edge.node)).toEqual(one.nodes);
    expect(one.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: one.edges[0].cursor,
      endCursor: one.edges[1].cursor,
    });

    const two = await page({ first: 2, after: one.pageInfo.endCursor });
    expect(two.nodes).toEqual([{ externalUserId: 'ann' }]);
    expect(two.pageInfo.hasNextPage).toBe(false);

    const back = await page({ last: 2, before: two.pageInfo.startCursor });
    expect(back.nodes).toEqual(one.nodes);
    const last = await page({ last: 1 });
    expect(last.nodes).toEqual(two.nodes);
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });

  it.each(['first: 0', 'first: 101', 'last: 0', 'last: 101', 'first: -1', 'first: 1, last: 1'])(
    'rejects `%s` with BAD_USER_INPUT',
    async (size) => {
      expect(codesOf(await world.execute(OPERATOR, `{ users(${size}) { totalCount } }`))).toEqual([
        'BAD_USER_INPUT',
      ]);
    },
  );

  it('rejects a malformed cursor with BAD_USER_INPUT', async () => {
    const response = await world.execute(OPERATOR, '{ users(after: "rubbish") { nodes { id } } }');
    expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
  });

  it('accepts page sizes of 1 and 100', async () => {
    const response = await world.execute(
      OPERATOR,
      '{ a: users(first: 1) { nodes { id } } b: users(last: 100) { nodes { id } } }',
    );
    expect(response.data.a.nodes).toHaveLength(1);
    expect(response.data.b.nodes).toHaveLength(3);
  });
});

describe('verificationAttempts(…)', () => {
  it.each([
    ['{}', 5],
    ['{ status: [APPROVED] }', 2],
    ['{ status: [REJECTED, PENDING] }', 2],
    ['{ provider: P100 }', 1],
    ['{ level: "basic", provider: SUMSUB }', 3],
    ['{ levelKind: ACTION }', 1],
    ['{ sandbox: true }', 1],
    ['{ sandbox: false }', 4],
    ['{ externalUserId: "bob" }', 2],
    ['{ externalUserId: "nobody" }', 0],
    ['{ startedFrom: "2024-06-01T08:10:00Z", startedBefore: "2024-06-01T08:30:00Z" }', 2],
    ['{ updatedBefore: "2024-06-01T08:05:00Z" }', 0],
  ])('filters by %s', async (filter, count) => {
    const response = await world.execute(
      OPERATOR,
      `{ verificationAttempts(filter: ${filter}) { totalCount nodes { id user { id } } } }`,
    );
    expect(response.errors).toBeUndefined();
    expect(response.data.verificationAttempts.nodes).toHaveLength(count);
    expect(response.data.verificationAttempts.totalCount).toBe(count);
  });

  it('orders by start, newest first by default', async () => {
    const source = `query ($orderBy: AttemptOrder) {
      verificationAttempts(orderBy: $orderBy) { nodes { startedAt } } }`;
    const startedAt = async (orderBy?: object) =>
      (
        await world.execute(OPERATOR, source, orderBy && { orderBy })
      ).data.verificationAttempts.nodes.map((node: { startedAt: string }) => node.startedAt);
    const newestFirst = await startedAt();
    expect(newestFirst).toEqual([...newestFirst].sort().reverse());
    expect(await startedAt({ field: 'STARTED_AT', direction: 'ASC' })).toEqual(
      [...newestFirst].reverse(),
    );
  });

  it('accepts user IDs, and rejects IDs of other types', async () => {
    const { data } = await world.execute(OPERATOR, '{ user(externalUserId: "ann") { id } }');
    const source = `query ($ids: [ID!]) { verificationAttempts(filter: { userIds: $ids }) { totalCount } }`;
    const response = await world.execute(OPERATOR, source, { ids: [data.user.id] });
    expect(response.data.verificationAttempts.totalCount).toBe(2);
    expect(codesOf(await world.execute(OPERATOR, source, { ids: ['x'] }))).toEqual([
      'BAD_USER_INPUT',
    ]);
  });
});

describe('levels, providers, viewer', () => {
  it('lists all levels, or those of one provider', async () => {
    const response = await world.execute(
      OPERATOR,
      '{ all: levels { key kind } some: levels(provider: P100) { name } none: levels(provider: PAYCADDY) { name } }',
    );
    expect(response.data).toEqual({
      all: [
        { key: 'p100/wallet', kind: 'ACTION' },
        { key: 'sumsub/basic', kind: 'LEVEL' },
        { key: 'sumsub/plus/address', kind: 'LEVEL' },
      ],
      some: [{ name: 'wallet' }],
      none: [],
    });
  });

  it('returns open attempts and the last delivery per provider', async () => {
    const source =
      '{ providers { provider lastDeliveryAt silentSince openAttempts { status count stalled oldestSince } } }';
    const { providers } = (await world.execute(OPERATOR, source)).data;
    const of = (name: string) =>
      providers.find(({ provider }: { provider: string }) => provider === name);

    expect(of('PAYCADDY')).toEqual({
      provider: 'PAYCADDY',
      lastDeliveryAt: null,
      silentSince: null,
      openAttempts: [],
    });
    expect(of('SUMSUB').silentSince).toBeNull();
    expect(of('SUMSUB').lastDeliveryAt).toMatch(/^2024-/);
    const { data } = await world.execute(
      OPERATOR,
      '{ verificationAttempts(filter: { provider: SUMSUB, status: [PENDING, IN_PROGRESS, ACTION_REQUIRED, IN_REVIEW] }) { totalCount } }',
    );
    const counts = of('SUMSUB').openAttempts.map(({ count }: { count: number }) => count);
    expect(data.verificationAttempts.totalCount).toBeGreaterThan(0);
    expect(counts.reduce((sum: number, count: number) => sum + count, 0)).toBe(
      data.verificationAttempts.totalCount,
    );
  });

  it('lists all providers, and whether they are configured', async () => {
    const response = await world.execute(
      OPERATOR,
      '{ providers { provider name webhookPath configured } }',
    );
    expect(response.data.providers).toHaveLength(4);
    expect(response.data.providers).toEqual(
      expect.arrayContaining([
        { provider: 'SUMSUB', name: 'Sumsub', webhookPath: '/webhooks/sumsub', configured: true },
        {
          provider: 'FRACTAL_ID',
          name: 'Fractal ID',
          webhookPath: '/webhooks/fractal-id',
          configured: false,
        },
      ]),
    );
  });

  it('returns the viewer', async () => {
    const source = '{ viewer { kind name scopes user { externalUserId } } }';
    expect((await world.execute(OPERATOR, source)).data.viewer).toEqual({
      kind: 'API_KEY',
      name: 'back office',
      scopes: ['operate', 'pii:read', 'read'],
      user: null,
    });
    expect((await world.execute(endUser('ann'), source)).data.viewer).toEqual({
      kind: 'USER',
      name: 'ann',
      scopes: [],
      user: { externalUserId: 'ann' },
    });
    expect((await world.execute(endUser('nobody'), source)).data.viewer.user).toBeNull();
  });
});

describe('the explanation of a status', () => {
  it('uses only levels of the user, even if a level is an action of another user', async () => {
    const own = await openWorld();
    try {
      await own.recordEvents('sumsub', statusEvent('dee', 'APPROVED', 0, { level: 'shared' }));
      const action = { level: 'shared', levelKind: 'ACTION', attemptRef: 'a-1' } as const;
      await own.recordEvents('sumsub', statusEvent('eve', 'APPROVED', 1, action));
      const explanation = async (externalUserId: string) => {
        const { data } = await own.execute(
          OPERATOR,
          'query ($id: String!) { user(externalUserId: $id) { verificationStatus verification { status } } }',
          { id: externalUserId },
        );
        return [data?.user.verificationStatus, data?.user.verification.status];
      };
      expect(await explanation('dee')).toEqual(['VERIFIED', 'VERIFIED']);
      expect(await explanation('eve')).toEqual(['NOT_VERIFIED', 'NOT_VERIFIED']);
    } finally {
      await own.close();
    }
  });
});
