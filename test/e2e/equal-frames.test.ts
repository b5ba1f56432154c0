/**
 * Shared frames equal the frames that each subscriber would get alone. Two servers use one store; one of them shares
 * nothing, so that graphql-ws executes each subscription. Documents, filters, viewers and changes are random.
 */

import fc from 'fast-check';
import type { Authenticator } from '../../src/access/authenticator';
import type { Principal } from '../../src/access/principal';
import {
  apiKey,
  endUser,
  OPERATOR,
  openWorld,
  statusEvent,
  type World,
  withoutExternalUserId,
} from '../graphql/world';
import { createDisposal } from '../support/disposal';
import { connectClient } from '../support/raw-ws';
import { runCount } from '../support/run-count';
import { startServer } from '../support/start-server';
import { until } from '../support/until';

const disposal = createDisposal();

const USERS = ['ann', 'bob', 'cleo'];

const PRINCIPALS: readonly Principal[] = [
  apiKey('read'),
  { ...apiKey('read'), name: 'another' } as Principal,
  OPERATOR,
  endUser('ann'),
  endUser('bob', 'pii:read'),
];

/** One of them at most is refused to some: errors of two come in the order in which their reads end. */
const SELECTIONS = [
  'id cursor',
  'provider attemptStatus previousAttemptStatus levelStatus previousLevelStatus',
  'verificationStatus was: previousVerificationStatus active previousActive occurredAt recordedAt',
  'rejection { retryable reasons { code } }',
  'cause { kind actor mergedUserId delivery { id disposition } }',
  'level { key provider }',
  'attempt { number status user { id } }',
  'user { id externalUserId verificationStatus levels { status level { key } } }',
  'user { attempts(first: $first) { totalCount nodes { id status } } }',
  'user { profile(reason: "test") { fullName } }',
  'user @include(if: $more) { identities { ref } }',
  '... on StatusChange @skip(if: $more) { __typename }',
];

const STATUSES = ['PENDING', 'IN_PROGRESS', 'APPROVED', 'REJECTED'] as const;

interface Plan {
  readonly principal: number;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly filter: object;
}

const filter = fc.oneof(
  fc.constant({}),
  fc.record({ externalUserId: fc.constantFrom(...USERS) }),
  fc.record({ provider: fc.constantFrom('SUMSUB', 'P100') }),
  fc.record({ attemptStatus: fc.subarray([...STATUSES], { minLength: 1 }) }),
  fc.constant({ verificationStatusChanged: true }),
);

const plan: fc.Arbitrary<Plan> = fc
  .record({
    principal: fc.nat({ max: PRINCIPALS.length - 1 }),
    selections: fc.subarray(SELECTIONS, { minLength: 1 }),
    filter,
    first: fc.constantFrom(1, 2),
    more: fc.boolean(),
  })
  .map(({ principal, selections, filter: chosen, first, more }) => {
    const body = selections.join(' ');
    const declared = [
      '$filter: StatusChangeFilter, $after: String',
      ...(body.includes('$first') ? ['$first: Int'] : []),
      ...(body.includes('$more') ? ['$more: Boolean!'] : []),
    ].join(', ');
    const query = `subscription (${declared}) { statusChanged(filter: $filter, after: $after) { ${body} } }`;
    const variables = { filter: chosen, ...(body.includes('$first') ? { first } : {}), more };
    return { principal, query, filter: chosen, variables };
  });

const change = fc.record({
  name: fc.constantFrom(...USERS),
  provider: fc.constantFrom('sumsub' as const, 'p100' as const),
  status: fc.constantFrom(...STATUSES),
});

/** The key is the number of a principal. */
const authenticator: Authenticator = {
  async authenticate(authorization) {
    const principal = PRINCIPALS[Number(authorization?.replace('Bearer ', ''))];
    if (principal === undefined) throw new Error('expected the number of a principal');
    return principal;
  },
  findInvalid: async () => new Set(),
};

/** Receives every change. */
const WITNESS: Plan = {
  principal: PRINCIPALS.indexOf(OPERATOR),
  query: 'subscription ($after: String) { statusChanged(after: $after) { cursor } }',
  filter: {},
  variables: {},
};

let minute = 0;
let strangers = 0;

function approve(name: string) {
  minute += 1;
  return statusEvent(name, 'APPROVED', minute);
}

async function countFor(world: World, { principal, filter: wanted }: Plan): Promise<number> {
  const { data } = await world.execute(
    PRINCIPALS[principal] ?? OPERATOR,
    'query ($filter: StatusChangeFilter) { statusChanges(filter: $filter) { totalCount } }',
    { filter: wanted },
  );
  return data.statusChanges.totalCount;
}

/** The messages so far, byte for byte except for the operation ID. */
async function follow(wsUrl: string, id: string, each: Plan, after: string) {
  const client = await connectClient(disposal, wsUrl, String(each.principal));
  const texts: string[] = [];
  client.socket.on('message', (data) => texts.push(String(data).replace(id, '')));
  const payload = { query: each.query, variables: { ...each.variables, after } };
  client.send({ id, type: 'subscribe', payload });
  return { texts, leave: () => client.socket.terminate() };
}

/** Sends events of a new account, which `link` then assigns to Ann. */
async function addUnlinkedAccount(world: World) {
  strangers += 1;
  const name = `stranger-${strangers}`;
  await world.recordEvents('fractal-id', withoutExternalUserId(approve(name)));
  const identity = `{ provider: FRACTAL_ID, ref: "ref-${name}" }`;
  const input = `{ identity: ${identity}, externalUserId: "ann" }`;
  return {
    async link() {
      const mutation = `mutation { linkIdentity(input: ${input}) { mergedUserId } }`;
      const { data } = await world.execute(OPERATOR, mutation);
      expect(data.linkIdentity.mergedUserId).not.toBeNull();
    },
  };
}

it('sends the same bytes as graphql-ws alone', async () => {
  const world = await openWorld();
  disposal.defer(() => world.close());
  const service = { ...world.service, getViewKey: () => null };
  const shared = await startServer(disposal, { graphql: world.service, authenticator });
  const alone = await startServer(disposal, { graphql: service, authenticator });
  for (const name of USERS) await world.recordEvents('sumsub', approve(name));

  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 6 }),
      fc.array(change, { minLength: 2, maxLength: 8 }),
      async (some, changes) => {
        const plans = [WITNESS, ...some];
        const { data } = await world.execute(OPERATOR, '{ cursor }');
        const before = await Promise.all(plans.map((each) => countFor(world, each)));
        const followAll = (wsUrl: string, id: string) =>
          Promise.all(plans.map((each) => follow(wsUrl, id, each, data.cursor)));
        const together = await followAll(shared.wsUrl, 'an id');
        const apart = await followAll(alone.wsUrl, 'another');
        const made = together.map(({ texts }) => texts);
        const expected = apart.map(({ texts }) => texts);

        /** Nested fields show the state at the time of sending, so no change may happen before the item has arrived. */
        async function untilArrived(): Promise<void> {
          for (const [index, each] of plans.entries()) {
            const due = (await countFor(world, each)) - (before[index] ?? 0);
            await until(() => [made, expected].every((all) => all[index]?.length === due));
          }
        }

        for (const { name, provider, status } of changes) {
          const event = { ...approve(name), status, providerStatus: `said ${status}` };
          await world.recordEvents(provider, event);
          await untilArrived();
        }
        const { link } = await addUnlinkedAccount(world);
        await untilArrived();
        await link();
        const all = (await countFor(world, WITNESS)) - (before[0] ?? 0);
        await until(() => made[0]?.length === all && expected[0]?.length === all);
        await until(() => made.every(({ length }, index) => length === expected[index]?.length));
        expect(made).toEqual(expected);
        for (const { leave } of [...together, ...apart]) leave();
      },
    ),
    { numRuns: runCount(12), endOnFailure: true },
  );
}, 120_000);
