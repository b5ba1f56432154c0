/** End users see only their own data, at every entry point. */

import { paycaddy } from '../store/provider-deliveries';
import { createDisposal } from '../support/disposal';
import { type Answer, codesOf, startGateway, type TestGateway, tokenFor } from './support/gateway';
import { DOINGS } from './support/operations';
import { askOverSocket } from './support/query-over-socket';
import { LINK, startWithTwo } from './support/two-users';

const disposal = createDisposal();

type Ask = (
  gateway: TestGateway,
  query: string,
  variables: Record<string, unknown>,
  credential: string,
) => Promise<Pick<Answer, 'data' | 'errors'>>;

const DOORS: readonly (readonly [string, Ask])[] = [
  ['HTTP', (gateway, ...question) => gateway.ask(...question)],
  ['WebSocket', (...question) => askOverSocket(disposal, ...question)],
];

describe.each(DOORS)('an end user, over %s,', (_, ask) => {
  it('sees only itself in every list', async () => {
    const gateway = await startWithTwo(disposal);

    const { data, errors } = await ask(gateway, LISTS, {}, await tokenFor('ada'));

    expect(errors).toBeUndefined();
    const { viewer, users, named, other, verificationAttempts, statusChanges, levels } = data;
    expect(viewer).toEqual({ kind: 'USER', user: { externalUserId: 'ada' } });
    expect(users).toEqual({ totalCount: 1, nodes: [{ externalUserId: 'ada' }] });
    expect([named, other]).toEqual([{ externalUserId: 'ada' }, null]);
    expect(namesIn(verificationAttempts)).toEqual(['ada', 'ada']);
    expect(verificationAttempts.totalCount).toBe(2);
    expect(new Set(namesIn(statusChanges))).toEqual(new Set(['ada']));
    expect(statusChanges.totalCount).toBe(statusChanges.nodes.length);
    expect(levels.map(({ key }: { key: string }) => key)).toEqual([
      'paycaddy/kyc',
      'sumsub/basic-kyc-level',
    ]);
  });

  it('cannot read objects of other users by ID', async () => {
    const gateway = await startWithTwo(disposal);
    const { data: all } = await gateway.ask(ALL_IDS);
    const token = await tokenFor('ada');

    const theirs = idsOf(all, (name) => name === 'ada');
    const others = idsOf(all, (name) => name !== 'ada');

    expect([theirs.length, others.length].every((count) => count >= 5)).toBe(true);
    for (const id of others) {
      const { data } = await ask(gateway, NODE, { id }, token);
      expect([id, data]).toEqual([id, { node: null }]);
    }
    for (const id of theirs) {
      const { data } = await ask(gateway, NODE, { id }, token);
      expect(data).toEqual({ node: { id } });
    }
  });

  it('is not shown operations, nor let to do any', async () => {
    const gateway = await startWithTwo(disposal);
    const token = await tokenFor('ada', { scope: 'read operate' });
    const questions = [
      '{ providers { provider } }',
      '{ webhookDeliveries { totalCount } }',
      ...Object.values(DOINGS).filter((query) => query.startsWith('mutation')),
    ];

    for (const query of questions) {
      const answer = await ask(gateway, query, {}, token);
      expect([query, codesOf(answer)]).toEqual([query, ['FORBIDDEN']]);
    }
    const { data } = await ask(gateway, CAUSES, {}, token);
    expect(new Set(data.statusChanges.nodes.map(JSON.stringify))).toEqual(
      new Set([JSON.stringify({ cause: { delivery: null, actor: null } })]),
    );
  });

  it('sees its own personal data if the token allows it, and none of other users', async () => {
    const gateway = await startWithTwo(disposal);
    const query = '{ users { nodes { profile { fullName } } } }';

    const without = await ask(gateway, query, {}, await tokenFor('ada'));
    const having = await ask(gateway, query, {}, await tokenFor('ada', { scope: 'pii:read' }));

    expect(codesOf(without)).toEqual(['FORBIDDEN']);
    expect(JSON.stringify(without)).not.toContain('Name of');
    expect(having.data.users.nodes).toEqual([{ profile: { fullName: 'Name of ada' } }]);
  });

  it('without any delivery is a user without data', async () => {
    const gateway = await startWithTwo(disposal);

    const { data, errors } = await ask(gateway, LISTS, {}, await tokenFor('eve'));

    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      viewer: { kind: 'USER', user: null },
      users: { totalCount: 0, nodes: [] },
      named: null,
      verificationAttempts: { totalCount: 0, nodes: [] },
      statusChanges: { totalCount: 0, nodes: [] },
      levels: [],
    });
  });
});

it('shows a merged user to its merge target, also by the old IDs', async () => {
  const gateway = await startGateway(disposal);
  await gateway.post('paycaddy', paycaddy('rejected', 'account', 1));
  const { data: before } = await gateway.ask(ALL_IDS);
  const ids = idsOf(before, () => true);
  const unheard = await gateway.ask(NODE, { id: ids[0] }, await tokenFor('ada'));

  await gateway.ask('mutation { createUser(input: { externalUserId: "ada" }) { created } }');
  await gateway.ask(LINK, { ref: 'account', externalUserId: 'ada' });

  const ada = await gateway.ask(LISTS, {}, await tokenFor('ada'));
  expect(unheard.data).toEqual({ node: null });
  expect(ada.data.verificationAttempts.totalCount).toBe(1);
  const old = await gateway.ask(NODE, { id: ids[0] }, await tokenFor('ada'));
  expect(old.data.node).not.toBeNull();
  expect((await gateway.ask(NODE, { id: ids[0] }, await tokenFor('ben'))).data.node).toBeNull();
});

const LISTS = `{
  viewer { kind user { externalUserId } }
  users { totalCount nodes { externalUserId } }
  named: user(externalUserId: "ada") { externalUserId }
  other: user(identity: { provider: SUMSUB, ref: "applicant-of-ben" }) { externalUserId }
  verificationAttempts { totalCount nodes { user { externalUserId } } }
  statusChanges { totalCount nodes { user { externalUserId } } }
  levels { key }
}`;

const CAUSES = '{ statusChanges { nodes { cause { delivery { id } actor } } } }';

const NODE = 'query ($id: ID!) { node(id: $id) { id } }';

const ALL_IDS = `{
  users { nodes { id externalUserId attempts { nodes { id } } statusChanges { nodes { id } } } }
  webhookDeliveries { nodes { id } }
}`;

interface AllIds {
  readonly users: { readonly nodes: readonly OwnedIds[] };
  readonly webhookDeliveries: { readonly nodes: readonly { readonly id: string }[] };
}

interface OwnedIds {
  readonly id: string;
  readonly externalUserId: string | null;
  readonly attempts: { readonly nodes: readonly { readonly id: string }[] };
  readonly statusChanges: { readonly nodes: readonly { readonly id: string }[] };
}

/** IDs of users, attempts and changes. Deliveries belong to no end user. */
function idsOf(
  { users, webhookDeliveries }: AllIds,
  isOwner: (name: string | null) => boolean,
): readonly string[] {
  const owned = users.nodes
    .filter(({ externalUserId }) => isOwner(externalUserId))
    .flatMap((user) => [user, ...user.attempts.nodes, ...user.statusChanges.nodes]);
  const unowned = isOwner(null) ? webhookDeliveries.nodes : [];
  return [...owned, ...unowned].map(({ id }) => id);
}

function namesIn(connection: {
  readonly nodes: readonly { readonly user: { readonly externalUserId: string } }[];
}): readonly string[] {
  return connection.nodes.map(({ user }) => user.externalUserId);
}
