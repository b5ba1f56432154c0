/** Why a user is not verified: the ways on, and what blocks an approval. */

import { DEFAULT_POLICY } from '../../src/domain/policy';
import { endUser, OPERATOR, openWorld, statusEvent, type World } from './world';

let world: World;

const POLICY = {
  ...DEFAULT_POLICY,
  verified: {
    anyOf: [
      { level: 'p100/kyc' },
      { allOf: [{ level: 'sumsub/basic' }, { level: 'sumsub/plus' }] },
    ],
  },
};

beforeAll(async () => {
  world = await openWorld({ policy: POLICY });
  await world.tell('p100', statusEvent('dee', 'APPROVED', 0, { level: 'kyc' }));
  await world.tell(
    'sumsub',
    statusEvent('dee', 'REJECTED', 5, {
      retryable: false,
      reasons: [{ code: 'AML', providerCode: 'SANCTIONS', message: null }],
    }),
  );
  await world.tell('sumsub', statusEvent('eve', 'APPROVED', 0));
});

afterAll(() => world.close());

const ASK = `query ($user: String!) { user(externalUserId: $user) { verificationStatus verification {
  status since blockedBy { level { key } status } missing { level { key } status }
  alternatives { levels { level { key } } } } } }`;

const ways = (alternatives: { levels: { level: { key: string } }[] }[]) =>
  alternatives.map(({ levels }) => levels.map(({ level }) => level.key));

it('lists the sets of levels that would suffice, each without what the user has', async () => {
  const { data } = await world.ask(OPERATOR, ASK, { user: 'eve' });
  const { alternatives, missing } = data.user.verification;
  expect(ways(alternatives)).toEqual([['p100/kyc'], ['sumsub/plus']]);
  expect(missing).toHaveLength(2);
});

it('names the rejection that blocks an older approval to an operator', async () => {
  const { data } = await world.ask(OPERATOR, ASK, { user: 'dee' });
  expect(data.user).toMatchObject({
    verificationStatus: 'NOT_VERIFIED',
    verification: {
      status: 'NOT_VERIFIED',
      since: '2024-06-01T08:05:00.000Z',
      blockedBy: [{ level: { key: 'sumsub/basic' }, status: 'NOT_VERIFIED' }],
    },
  });
  expect(data.user.verification.missing).toContainEqual({
    level: { key: 'p100/kyc' },
    status: 'VERIFIED',
  });
});

it('does not tell an end user what blocks their approval', async () => {
  const { data } = await world.ask(endUser('dee'), ASK, { user: 'dee' });
  expect(data.user.verification).toMatchObject({ status: 'NOT_VERIFIED', blockedBy: [] });
});
