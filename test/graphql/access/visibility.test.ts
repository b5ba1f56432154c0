/** End users see only their own user, attempts and changes, in every field of the schema. */

import fc from 'fast-check';
import { runCount } from '../../support/run-count';
import {
  codesOf,
  endUser,
  type GraphQLResult,
  OPERATOR,
  openWorld,
  statusEvent,
  type World,
  withoutExternalUserId,
} from '../world';

let world: World;
/** Opaque IDs by owner, as an operator sees them. */
let idsOf: Record<'ann' | 'bob', readonly string[]>;

beforeAll(async () => {
  world = await openWorld();
  for (const [index, name] of ['ann', 'bob', 'cleo'].entries()) {
    await world.recordEvents('sumsub', statusEvent(name, 'PENDING', index));
    await world.recordEvents(
      'p100',
      statusEvent(name, 'REJECTED', 10 + index, { level: `${name}-level` }),
    );
    await world.recordEvents('sumsub', statusEvent(name, 'APPROVED', 20 + index));
    await world.recordEvents('p100', {
      type: 'PROFILE',
      subjectRef: `ref-${name}`,
      externalUserId: name,
      profile: { fullName: `${name} Invented` },
    });
  }
  // An account of Bob was first linked to Ann: its early changes are about Ann, and its attempts belong to Bob.
  await link('PAYCADDY', 'shared', 'ann');
  const shared = {
    ...withoutExternalUserId(statusEvent('shared', 'REJECTED', 40)),
    subjectRef: 'shared',
  };
  await world.recordEvents('paycaddy', shared);
  await link('PAYCADDY', 'shared', 'bob');
  // A user merged from two accounts.
  await world.recordEvents('fractal-id', withoutExternalUserId(statusEvent('x', 'APPROVED', 50)));
  await link('FRACTAL_ID', 'ref-x', 'ann');
  idsOf = { ann: await everyId('ann'), bob: await everyId('bob') };
});

afterAll(() => world.close());

async function link(provider: string, ref: string, externalUserId: string): Promise<void> {
  const response = await world.execute(
    OPERATOR,
    `mutation ($input: LinkIdentityInput!) { linkIdentity(input: $input) { userErrors { code } } }`,
    { input: { identity: { provider, ref }, externalUserId } },
  );
  expect(response).toEqual({ data: { linkIdentity: { userErrors: [] } } });
}

async function userId(name: string): Promise<string> {
  const { data } = await world.execute(OPERATOR, `{ user(externalUserId: "${name}") { id } }`);
  return data.user.id;
}

async function everyId(name: string): Promise<readonly string[]> {
  const { data } = await world.execute(
    OPERATOR,
    `{ user(externalUserId: "${name}") { id attempts(first: 100) { nodes { id } }
        statusChanges(first: 100) { nodes { id cause { delivery { id } } } } identities { id } } }`,
  );
  return [...new Set(JSON.stringify(data).match(/(?<="id":")[^"]+/g) ?? [])];
}

describe('an end user', () => {
  it('is the only user in the list', async () => {
    const { data } = await world.execute(
      endUser('ann'),
      '{ users { totalCount nodes { externalUserId } } all: users(filter: { verificationStatus: [VERIFIED, NOT_VERIFIED] }) { totalCount } }',
    );
    expect(data).toEqual({
      users: { totalCount: 1, nodes: [{ externalUserId: 'ann' }] },
      all: { totalCount: 1 },
    });
  });

  it('sees their attempts, changes and levels, including those of merged users', async () => {
    const { data, errors } = await world.execute(
      endUser('ann'),
      `{ verificationAttempts { totalCount nodes { user { externalUserId } level { key } } }
         statusChanges { totalCount nodes { user { externalUserId } } } levels { key }
         user(externalUserId: "ann") { statusChanges { totalCount } } }`,
    );
    expect(errors).toBeUndefined();
    const keys = data.verificationAttempts.nodes.map(
      (node: { level: { key: string } }) => node.level.key,
    );
    expect([...keys].sort()).toEqual(['fractal-id/basic', 'p100/ann-level', 'sumsub/basic']);
    expect(data.verificationAttempts.totalCount).toBe(3);
    expect(data.statusChanges.totalCount).toBe(data.user.statusChanges.totalCount);
    expect(data.statusChanges.nodes).toEqual(
      data.statusChanges.nodes.map(() => ({ user: { externalUserId: 'ann' } })),
    );
    expect(data.levels).toEqual(
      expect.arrayContaining([{ key: 'p100/ann-level' }, { key: 'sumsub/basic' }]),
    );
    expect(data.levels).not.toContainEqual({ key: 'p100/bob-level' });
  });

  it('does not see changes about another user of an attempt that is now theirs', async () => {
    const source = `{ verificationAttempts(filter: { provider: PAYCADDY }) { nodes {
        statusChanges { totalCount nodes { user { externalUserId } } } } } }`;
    const { data: seen } = await world.execute(OPERATOR, source);
    const { data, errors } = await world.execute(endUser('bob'), source);
    expect(errors).toBeUndefined();
    const output = data.verificationAttempts.nodes[0].statusChanges;
    expect(output.nodes).toEqual(output.nodes.map(() => ({ user: { externalUserId: 'bob' } })));
    expect(output.totalCount).toBe(output.nodes.length);
    expect(seen.verificationAttempts.nodes[0].statusChanges.totalCount).toBeGreaterThan(
      output.totalCount,
    );
  });

  it('cannot reach an attempt of another user from their own change', async () => {
    const source = '{ statusChanges(filter: { provider: PAYCADDY }) { nodes { attempt { id } } } }';
    const { data, errors } = await world.execute(endUser('ann'), source);
    expect(errors).toBeUndefined();
    expect(data.statusChanges.nodes.length).toBeGreaterThan(0);
    expect(data.statusChanges.nodes).toEqual(
      data.statusChanges.nodes.map(() => ({ attempt: null })),
    );
  });

  it('does not find others by ID, external user ID or identity', async () => {
    const response = await world.execute(
      endUser('ann'),
      `query ($id: ID!) { a: user(id: $id) { id } b: user(externalUserId: "bob") { id }
         c: user(identity: { provider: SUMSUB, ref: "ref-bob" }) { id }
         d: users(filter: { ids: [$id] }) { totalCount nodes { id } }
         e: verificationAttempts(filter: { userIds: [$id] }) { totalCount }
         f: statusChanges(filter: { userId: $id }) { totalCount }
         g: statusChanges(filter: { externalUserId: "bob" }) { totalCount } }`,
      { id: await userId('bob') },
    );
    expect(response).toEqual({
      data: {
        a: null,
        b: null,
        c: null,
        d: { totalCount: 0, nodes: [] },
        e: { totalCount: 0 },
        f: { totalCount: 0 },
        g: { totalCount: 0 },
      },
    });
  });

  it('receives null from node() for objects of others, as for unknown IDs', async () => {
    const absent = encode('User:999');
    const source = 'query ($id: ID!) { node(id: $id) { __typename id } }';
    const nothing = await world.execute(endUser('ann'), source, { id: absent });
    for (const id of idsOf.bob) {
      expect(await world.execute(endUser('ann'), source, { id })).toEqual(nothing);
    }
  });

  it('cannot read operational data', async () => {
    for (const source of [
      '{ webhookDeliveries { totalCount } }',
      '{ providers { openAttempts { count } } }',
    ]) {
      expect(codesOf(await world.execute(endUser('ann', 'read', 'pii:read'), source))).toEqual([
        'FORBIDDEN',
      ]);
    }
  });

  it('does not see the delivery or the operator that caused a change', async () => {
    const { data } = await world.execute(
      endUser('ann'),
      '{ statusChanges { nodes { cause { kind actor delivery { id } } } } }',
    );
    const causes = data.statusChanges.nodes.map((node: { cause: object }) => node.cause);
    expect(causes).toEqual(
      expect.arrayContaining([{ kind: 'MERGE', actor: null, delivery: null }]),
    );
    expect(causes).toEqual(
      causes.map(() => expect.objectContaining({ actor: null, delivery: null })),
    );
  });

  it('without a user sees empty lists', async () => {
    const { data, errors } = await world.execute(
      endUser('nobody'),
      `{ users { totalCount nodes { id } } verificationAttempts { totalCount nodes { id } }
         statusChanges { totalCount nodes { id } } levels { key } viewer { user { id } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      users: { totalCount: 0, nodes: [] },
      verificationAttempts: { totalCount: 0, nodes: [] },
      statusChanges: { totalCount: 0, nodes: [] },
      levels: [],
      viewer: { user: null },
    });
  });

  it('never sees data of others in random queries', async () => {
    await fc.assert(
      fc.asyncProperty(queries(), async (source) => {
        const response = await world.execute(endUser('ann', 'pii:read'), source);
        const output = JSON.stringify(response.data ?? null);
        const traces = ['bob', 'cleo', ...idsOf.bob.filter((id) => !idsOf.ann.includes(id))];
        expect(traces.filter((trace) => output.includes(`"${trace}`))).toEqual([]);
        expect(codesOf(response).filter((code) => code !== 'FORBIDDEN')).toEqual([]);
      }),
      { numRuns: runCount(100, 40) },
    );
    expect(world.loggedErrors).toEqual([]);
  });

  it('is a meaningful test: an operator sees others in the same queries', async () => {
    const responses: GraphQLResult[] = [];
    for (const source of fc.sample(queries(), { numRuns: 200, seed: 1 })) {
      responses.push(await world.execute(OPERATOR, source)); // each read of personal data commits an audit entry, for which a snapshot waits
    }
    const output = JSON.stringify(responses);
    for (const trace of ['"bob', '"cleo', idsOf.bob[0] ?? 'none']) expect(output).toContain(trace);
  });
});

/** Returns random queries of any root field and depth, with IDs of Bob in all arguments. */
function queries(): fc.Arbitrary<string> {
  const id = fc.constantFrom(...(idsOf ? [...idsOf.bob, ...idsOf.ann] : ['x']));
  const name = fc.constantFrom('ann', 'bob', 'cleo', 'nobody');
  const page = fc.constantFrom('first: 1', 'first: 100', 'last: 1', 'last: 100');
  const leaf = 'id __typename';

  const { user, attempt, change } = fc.letrec<Record<'user' | 'attempt' | 'change', string>>(
    (tie) => ({
      user: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constant(
          `${leaf} externalUserId identities { ref externalUserId } profile(reason: "test") { fullName }`,
        ),
        fc
          .tuple(page, tie('attempt'))
          .map(([p, inner]) => `${leaf} attempts(${p}) { totalCount nodes { ${inner} } }`),
        fc
          .tuple(page, tie('change'))
          .map(([p, inner]) => `${leaf} statusChanges(${p}) { totalCount nodes { ${inner} } }`),
        tie('attempt').map((inner) => `levels { level { key } latestAttempt { ${inner} } }`),
        tie('attempt').map(
          (inner) =>
            `verification { because { attempt { ${inner} } } missing { attempt { ${inner} } } }`,
        ),
      ),
      attempt: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constant(`${leaf} providerStatus level { key }`),
        tie('user').map((inner) => `${leaf} user { ${inner} }`),
        fc
          .tuple(page, tie('change'))
          .map(([p, inner]) => `${leaf} statusChanges(${p}) { totalCount nodes { ${inner} } }`),
      ),
      change: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constant(
          `${leaf} cursor cause { mergedUserId actor delivery { id rawBody(reason: "test") user { id } } }`,
        ),
        tie('user').map((inner) => `${leaf} user { ${inner} }`),
        tie('attempt').map((inner) => `${leaf} attempt { ${inner} }`),
      ),
    }),
  );

  return fc.oneof(
    fc.tuple(id, user, attempt, change).map(
      ([i, u, a, c]) =>
        `{ node(id: "${i}") { id ... on User { ${u} } ... on VerificationAttempt { ${aliased(a)} }
            ... on StatusChange { ${aliased(c)} } ... on WebhookDelivery { rawBody(reason: "test") user { id } } } }`,
    ),
    fc.tuple(name, user).map(([n, inner]) => `{ user(externalUserId: "${n}") { ${inner} } }`),
    fc
      .tuple(name, user)
      .map(([n, inner]) => `{ user(identity: { provider: P100, ref: "ref-${n}" }) { ${inner} } }`),
    fc.tuple(page, user).map(([p, inner]) => `{ users(${p}) { totalCount nodes { ${inner} } } }`),
    fc
      .tuple(page, name, attempt)
      .map(
        ([p, n, inner]) =>
          `{ verificationAttempts(${p}, filter: { externalUserId: "${n}" }) { totalCount nodes { ${inner} } } }`,
      ),
    fc
      .tuple(page, attempt)
      .map(([p, inner]) => `{ verificationAttempts(${p}) { totalCount nodes { ${inner} } } }`),
    fc
      .tuple(page, change)
      .map(([p, inner]) => `{ statusChanges(${p}) { totalCount nodes { ${inner} } } }`),
    user.map((inner) => `{ viewer { user { ${inner} } } }`),
    page.map(
      (p) =>
        `{ webhookDeliveries(${p}) { totalCount nodes { rawBody(reason: "test") user { id } } } }`,
    ),
  );
}

/** Fields of different types need distinct response names in one selection. */
function aliased(selection: string): string {
  return selection.replace(/^(.*?)\b(user|statusChanges|level) ?([({])/, '$1 other: $2 $3');
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

// Regression: a response about another user took longer than one about an unknown ID.
describe('a read of data of others', () => {
  it.each<[string, (owned: Foreign) => string, string]>([
    [
      'an ID',
      ({ user }) => `{ user(id: "${user}") { id } }`,
      `{ user(id: "${encode('User:999999')}") { id } }`,
    ],
    [
      'an external user ID',
      () => '{ user(externalUserId: "bob") { id } }',
      '{ user(externalUserId: "box") { id } }',
    ],
    [
      'an account',
      () => '{ user(identity: { provider: SUMSUB, ref: "ref-bob" }) { id } }',
      '{ user(identity: { provider: SUMSUB, ref: "ref-box" }) { id } }',
    ],
    [
      'a node',
      ({ user }) => `{ node(id: "${user}") { id } }`,
      `{ node(id: "${encode('User:999999')}") { id } }`,
    ],
    [
      'an attempt',
      ({ attempt }) => `{ node(id: "${attempt}") { id } }`,
      `{ node(id: "${encode('VerificationAttempt:999999')}") { id } }`,
    ],
    [
      'a change',
      ({ change }) => `{ node(id: "${change}") { id } }`,
      `{ node(id: "${encode('StatusChange:999999')}") { id } }`,
    ],
    [
      'a filter',
      ({ user }) => `{ users(filter: { ids: ["${user}"] }) { totalCount nodes { id } } }`,
      `{ users(filter: { ids: ["${encode('User:999999')}"] }) { totalCount nodes { id } } }`,
    ],
  ])('by %s runs the same statements as a read of unknown data', async (_, existing, missing) => {
    const { data } = await world.execute(
      OPERATOR,
      `{ user(externalUserId: "bob") { id attempts { nodes { id } } statusChanges { nodes { id } } } }`,
    );
    const foreign = {
      user: data.user.id,
      attempt: data.user.attempts.nodes[0].id,
      change: data.user.statusChanges.nodes[0].id,
    };
    await world.stopFeed();
    const statementsOf = async (query: string) => {
      world.statements.clear();
      const response = await world.execute(endUser('ann'), query);
      return { response, statements: [...world.statements.sent] };
    };
    const one = await statementsOf(existing(foreign));
    expect(one).toEqual(await statementsOf(missing));
    expect(one.statements.length).toBeGreaterThan(0);
  });
});

interface Foreign {
  readonly user: string;
  readonly attempt: string;
  readonly change: string;
}
