/** The mutations `createUser`, `linkIdentity` and `replayDeliveries`, and the scopes of all mutations. */

import {
  apiKey,
  codesOf,
  endUser,
  OPERATOR,
  openWorld,
  statusEvent,
  type World,
  withoutExternalUserId,
} from './world';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

const CREATE = `mutation ($input: CreateUserInput!) {
  createUser(input: $input) { created user { id externalUserId verificationStatus }
    userErrors { code message path } } }`;

const LINK = `mutation ($input: LinkIdentityInput!) {
  linkIdentity(input: $input) { mergedUserId identity { provider ref linked }
    user { id externalUserId verificationStatus attempts { totalCount } }
    userErrors { code path } } }`;

const REPLAY = `mutation ($input: ReplayDeliveriesInput!) {
  replayDeliveries(input: $input) { deliveries userErrors { code path }
    dispositionChanges { before after delivery { disposition } }
    changes { attemptStatus verificationStatus cause { kind actor } } } }`;

async function idOf(externalUserId: string): Promise<string> {
  const { data } = await world.execute(
    OPERATOR,
    'query ($name: String) { user(externalUserId: $name) { id } }',
    { name: externalUserId },
  );
  return data.user.id;
}

describe('createUser', () => {
  it('creates a user, and returns the same user on the next call', async () => {
    const one = await world.execute(OPERATOR, CREATE, { input: { externalUserId: 'ann' } });
    expect(one.data.createUser).toEqual({
      created: true,
      user: { id: await idOf('ann'), externalUserId: 'ann', verificationStatus: 'NOT_VERIFIED' },
      userErrors: [],
    });
    const two = await world.execute(OPERATOR, CREATE, { input: { externalUserId: 'ann' } });
    expect(two.data.createUser).toEqual({ ...one.data.createUser, created: false });
  });

  it('creates a user per call without an external user ID, in one request', async () => {
    const { data } = await world.execute(
      OPERATOR,
      'mutation { a: createUser(input: {}) { user { id } } b: createUser(input: { externalUserId: null }) { user { id } } }',
    );
    expect(data.a.user.id).not.toBe(data.b.user.id);
  });

  it('creates the user to which a later delivery is assigned', async () => {
    await world.execute(OPERATOR, CREATE, { input: { externalUserId: 'ann' } });
    const id = await idOf('ann');
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 1));
    const { data } = await world.execute(OPERATOR, '{ users { nodes { id verificationStatus } } }');
    expect(data.users.nodes).toEqual([{ id, verificationStatus: 'VERIFIED' }]);
  });

  it.each(['', '   ', 'x'.repeat(256)])(
    'returns a user error for the external user ID %j',
    async (externalUserId) => {
      const { data, errors } = await world.execute(OPERATOR, CREATE, { input: { externalUserId } });
      expect(errors).toBeUndefined();
      expect(data.createUser).toEqual({
        created: false,
        user: null,
        userErrors: [
          {
            code: 'EXTERNAL_USER_ID_INVALID',
            message: expect.any(String),
            path: ['input', 'externalUserId'],
          },
        ],
      });
    },
  );

  it('returns `created` but no user to a key without the `read` scope', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 1));
    const response = await world.execute(apiKey('operate'), CREATE, {
      input: { externalUserId: 'ann' },
    });
    expect(response.data.createUser).toEqual({ created: false, user: null, userErrors: [] });
    expect(codesOf(response)).toEqual(['FORBIDDEN']);
  });
});

describe('linkIdentity', () => {
  it('merges two users, and the old ID keeps resolving', async () => {
    await world.recordEvents('fractal-id', withoutExternalUserId(statusEvent('f', 'APPROVED', 1)));
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 2));
    const { data: before } = await world.execute(
      OPERATOR,
      '{ user(identity: { provider: FRACTAL_ID, ref: "ref-f" }) { id } }',
    );
    const id = await idOf('ann');

    const { data, errors } = await world.execute(OPERATOR, LINK, {
      input: { identity: { provider: 'FRACTAL_ID', ref: 'ref-f' }, userId: id },
    });
    expect(errors).toBeUndefined();
    expect(data.linkIdentity).toEqual({
      mergedUserId: before.user.id,
      identity: { provider: 'FRACTAL_ID', ref: 'ref-f', linked: true },
      user: {
        id,
        externalUserId: 'ann',
        verificationStatus: 'VERIFIED',
        attempts: { totalCount: 2 },
      },
      userErrors: [],
    });

    const after = await world.execute(
      OPERATOR,
      `query ($old: ID!) {
        user(id: $old) { id statusChanges { nodes { user { id } cause { kind actor mergedUserId } } } }
        node(id: $old) { id }
        users { totalCount }
        statusChanges(filter: { userId: $old }) { totalCount }
        verificationAttempts(filter: { userIds: [$old] }) { totalCount } }`,
      { old: before.user.id },
    );
    expect(after.errors).toBeUndefined();
    expect(after.data).toMatchObject({
      node: { id },
      user: { id },
      users: { totalCount: 1 },
      verificationAttempts: { totalCount: 2 },
    });
    const { nodes } = after.data.user.statusChanges;
    expect(nodes.map((node: { user: { id: string } }) => node.user.id)).toEqual(
      nodes.map(() => id),
    );
    expect(nodes).toContainEqual(
      expect.objectContaining({
        cause: { kind: 'MERGE', actor: 'back office', mergedUserId: before.user.id },
      }),
    );
    expect(after.data.statusChanges.totalCount).toBe(nodes.length);
  });

  it('finds the target by external user ID, and creates an unknown identity', async () => {
    await world.execute(OPERATOR, CREATE, { input: { externalUserId: 'ann' } });
    const { data } = await world.execute(OPERATOR, LINK, {
      input: { identity: { provider: 'PAYCADDY', ref: 'p-1' }, externalUserId: 'ann' },
    });
    expect(data.linkIdentity).toMatchObject({
      mergedUserId: null,
      user: { externalUserId: 'ann' },
      identity: { provider: 'PAYCADDY', ref: 'p-1' },
      userErrors: [],
    });
  });

  it('reads the effects of an earlier mutation of the same request', async () => {
    const { data, errors } = await world.execute(
      OPERATOR,
      `mutation {
        createUser(input: { externalUserId: "ann" }) { user { identities { ref } } }
        linkIdentity(input: { identity: { provider: P100, ref: "p" }, externalUserId: "ann" }) {
          user { identities { ref } } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      createUser: { user: { identities: [] } },
      linkIdentity: { user: { identities: [{ ref: 'p' }] } },
    });
  });

  it.each([
    [{}, 'TARGET_INVALID', ['input']],
    [{ userId: encode('User:1'), externalUserId: 'ann' }, 'TARGET_INVALID', ['input']],
    [{ userId: encode('User:99') }, 'USER_NOT_FOUND', ['input', 'userId']],
    [{ externalUserId: 'nobody' }, 'USER_NOT_FOUND', ['input', 'externalUserId']],
  ])('returns a user error for the target %j', async (target, code, path) => {
    const { data, errors } = await world.execute(OPERATOR, LINK, {
      input: { identity: { provider: 'SUMSUB', ref: 'x' }, ...target },
    });
    expect(errors).toBeUndefined();
    expect(data.linkIdentity.userErrors).toEqual([{ code, path }]);
    expect(data.linkIdentity.user).toBeNull();
  });

  it('rejects a malformed ID with BAD_USER_INPUT', async () => {
    const response = await world.execute(OPERATOR, LINK, {
      input: { identity: { provider: 'SUMSUB', ref: 'x' }, userId: 'rubbish' },
    });
    expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
  });
});

describe('replayDeliveries', () => {
  beforeEach(async () => {
    await world.record({
      reading: {
        kind: 'QUARANTINED',
        eventType: 'applicantReviewed',
        duplicateKey: 'd',
        reason: { code: 'STATUS_UNMAPPED', message: 'expected status to be a word we know' },
      },
    });
    world.setReplayReading({
      kind: 'EVENTS',
      eventType: 'applicantReviewed',
      duplicateKey: 'd',
      events: [statusEvent('ann', 'APPROVED', 1)],
    });
  });

  it('changes nothing with `dryRun`, and returns the changes', async () => {
    const { data, errors } = await world.execute(OPERATOR, REPLAY, {
      input: { disposition: 'QUARANTINED', dryRun: true },
    });
    expect(errors).toBeUndefined();
    expect(data.replayDeliveries).toEqual({
      deliveries: 1,
      userErrors: [],
      dispositionChanges: [
        { before: 'QUARANTINED', after: 'APPLIED', delivery: { disposition: 'QUARANTINED' } },
      ],
      changes: [
        {
          attemptStatus: 'APPROVED',
          verificationStatus: 'VERIFIED',
          cause: { kind: 'REPLAY', actor: 'back office' },
        },
      ],
    });
    const after = await world.execute(
      OPERATOR,
      '{ users { totalCount } statusChanges { totalCount } }',
    );
    expect(after.data).toEqual({ users: { totalCount: 0 }, statusChanges: { totalCount: 0 } });
  });

  it.each([
    { provider: 'SUMSUB' },
    { ids: [encode('WebhookDelivery:1')] },
    { receivedFrom: '2024-01-01T00:00:00Z', receivedBefore: '2025-01-01T00:00:00Z' },
  ])('replays the deliveries selected by %j', async (input) => {
    const { data, errors } = await world.execute(OPERATOR, REPLAY, { input });
    expect(errors).toBeUndefined();
    expect(data.replayDeliveries).toMatchObject({
      deliveries: 1,
      dispositionChanges: [{ after: 'APPLIED', delivery: { disposition: 'APPLIED' } }],
    });
    const after = await world.execute(OPERATOR, '{ users { nodes { verificationStatus } } }');
    expect(after.data.users.nodes).toEqual([{ verificationStatus: 'VERIFIED' }]);
  });

  it('returns a user error if no condition selects deliveries', async () => {
    const { data } = await world.execute(OPERATOR, REPLAY, {
      input: { dryRun: true, provider: null },
    });
    expect(data.replayDeliveries).toEqual({
      deliveries: 0,
      dispositionChanges: [],
      changes: [],
      userErrors: [{ code: 'SELECTION_MISSING', path: ['input'] }],
    });
  });

  it('selects nothing for an empty list of IDs', async () => {
    const { data } = await world.execute(OPERATOR, REPLAY, { input: { ids: [] } });
    expect(data.replayDeliveries).toMatchObject({ deliveries: 0, userErrors: [] });
  });

  it('checks the `read` scope before it replays', async () => {
    const response = await world.execute(apiKey('operate'), REPLAY, {
      input: { provider: 'SUMSUB' },
    });
    expect(codesOf(response)).toEqual(['FORBIDDEN']);
    expect((await world.execute(OPERATOR, '{ users { totalCount } }')).data.users.totalCount).toBe(
      0,
    );
  });
});

describe('text that a database cannot store unchanged', () => {
  const IDENTITY = { provider: 'SUMSUB', ref: 'x' };
  it.each<[string, string, (text: string) => object]>([
    ['input.externalUserId', CREATE, (externalUserId) => ({ externalUserId })],
    ['input.externalUserId', LINK, (externalUserId) => ({ identity: IDENTITY, externalUserId })],
    [
      'input.identity.ref',
      LINK,
      (ref) => ({ identity: { ...IDENTITY, ref }, userId: encode('User:1') }),
    ],
  ])('is rejected with the path %s: %s', async (path, source, inputOf) => {
    await world.execute(OPERATOR, CREATE, { input: { externalUserId: 'ann' } });
    for (const text of ['ann\0', '\ud83d', 'a\udc00b']) {
      const response = await world.execute(OPERATOR, source, { input: inputOf(text) });
      expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
      expect(response.errors?.[0]?.message).toContain(`\`$${path}\``);
    }
    const { data } = await world.execute(OPERATOR, source, { input: inputOf('\u{1f600}') });
    expect(Object.values<object>(data)[0]).not.toBeNull();
    expect((await world.execute(OPERATOR, '{ users { totalCount } }')).data.users.totalCount).toBe(
      source === CREATE ? 2 : 1,
    );
  });
});

describe('scopes', () => {
  const MUTATIONS = [
    'mutation { createUser(input: { externalUserId: "x" }) { created } }',
    'mutation { linkIdentity(input: { identity: { provider: P100, ref: "x" }, externalUserId: "x" }) { mergedUserId } }',
    'mutation { replayDeliveries(input: { provider: P100 }) { deliveries } }',
  ];

  it.each(MUTATIONS)('require `operate`: %s', async (source) => {
    for (const principal of [apiKey('read', 'pii:read'), endUser('x', 'operate', 'read')]) {
      expect(codesOf(await world.execute(principal, source))).toEqual(['FORBIDDEN']);
    }
    expect((await world.execute(OPERATOR, '{ users { totalCount } }')).data.users.totalCount).toBe(
      0,
    );
  });

  // Regression: a mutation reported an invalid basis before it checked the scope.
  it.each([
    'mutation ($text: String!) { eraseUser(input: { reason: $text }) { erased } }',
    'mutation ($text: String!) { setLegalHold(input: { basis: $text }) { userErrors { code } } }',
    'mutation ($text: String!) { releaseLegalHold(input: { reason: $text }) { userErrors { code } } }',
  ])('require `erase` before the input is validated: %s', async (source) => {
    for (const principal of [apiKey('read', 'operate'), endUser('x', 'erase')]) {
      expect(codesOf(await world.execute(principal, source, { text: '' }))).toEqual(['FORBIDDEN']);
    }
  });
});

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
