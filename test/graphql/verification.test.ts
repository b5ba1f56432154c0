/** The explanation of a status: alternatives, and rejections that block an approval. */

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
  await world.recordEvents('p100', statusEvent('dee', 'APPROVED', 0, { level: 'kyc' }));
  await world.recordEvents(
    'sumsub',
    statusEvent('dee', 'REJECTED', 5, {
      retryable: false,
      reasons: [{ code: 'AML', providerCode: 'SANCTIONS', message: null }],
    }),
  );
  await world.recordEvents('sumsub', statusEvent('eve', 'APPROVED', 0));
});

afterAll(() => world.close());

const ASK = `query ($user: String!) { user(externalUserId: $user) { verificationStatus verification {
  status since blockedBy { level { key } status } missing { level { key } status }
  alternatives { levels { level { key } } } } } }`;

const ways = (alternatives: { levels: { level: { key: string } }[] }[]) =>
  alternatives.map(({ levels }) => levels.map(({ level }) => level.key));

it('lists the alternatives without the levels that are verified', async () => {
  const { data } = await world.execute(OPERATOR, ASK, { user: 'eve' });
  const { alternatives, missing } = data.user.verification;
  expect(ways(alternatives)).toEqual([['p100/kyc'], ['sumsub/plus']]);
  expect(missing).toHaveLength(2);
});

it('returns the rejection that blocks an older approval to an operator', async () => {
  const { data } = await world.execute(OPERATOR, ASK, { user: 'dee' });
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

it('hides the blocking rejection from an end user', async () => {
  const { data } = await world.execute(endUser('dee'), ASK, { user: 'dee' });
  expect(data.user.verification).toMatchObject({ status: 'NOT_VERIFIED', blockedBy: [] });
});
