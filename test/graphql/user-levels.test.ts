/** A user with more levels than one response lists. */

import { codesOf, OPERATOR, openWorld, statusEvent, type World } from './world';

const COUNT = 120;
const nameAt = (index: number) => `level-${String(index).padStart(3, '0')}`;
const keyAt = (index: number) => `sumsub/${nameAt(index)}`;

let world: World;

beforeAll(async () => {
  world = await openWorld();
  const events = Array.from({ length: COUNT }, (_, index) =>
    statusEvent('ann', index % 10 === 0 ? 'APPROVED' : 'PENDING', index, { level: nameAt(index) }),
  );
  await world.recordEvents('sumsub', ...events.reverse());
  await world.recordEvents('p100', statusEvent('ann', 'PENDING', 0, { level: 'wallet' }));
  await world.recordEvents('sumsub', statusEvent('bob', 'APPROVED', 0, { level: nameAt(7) }));
});

afterAll(() => world.close());

async function levelsOf(args: string): Promise<readonly string[]> {
  const source = `{ user(externalUserId: "ann") { levels${args} { level { key } } } }`;
  const { data, errors } = await world.execute(OPERATOR, source);
  expect(errors).toBeUndefined();
  return data.user.levels.map(({ level }: { level: { key: string } }) => level.key);
}

it('lists the first 100 levels by key, and counts all', async () => {
  const all = ['p100/wallet', ...Array.from({ length: COUNT }, (_, index) => keyAt(index))];
  expect(await levelsOf('')).toEqual(all.slice(0, 100));
  expect(await levelsOf('(first: 500)')).toEqual(all);
  const { data } = await world.execute(
    OPERATOR,
    `{ user(externalUserId: "ann") { all: levelCount sumsub: levelCount(provider: SUMSUB)
      verified: levelCount(provider: SUMSUB, status: VERIFIED) none: levelCount(provider: PAYCADDY) } }`,
  );
  expect(data.user).toEqual({ all: COUNT + 1, sumsub: COUNT, verified: 12, none: 0 });
});

it('returns each level once over all pages', async () => {
  const seen: string[] = [];
  for (;;) {
    const after = seen.length === 0 ? '' : `, after: "${seen.at(-1)}"`;
    const page = await levelsOf(`(first: 50${after})`);
    seen.push(...page);
    if (page.length < 50) break;
  }
  expect(seen).toEqual(await levelsOf('(first: 500)'));
});

it('pages the levels that match the filters', async () => {
  expect(await levelsOf('(provider: SUMSUB, status: VERIFIED, first: 2)')).toEqual([
    keyAt(0),
    keyAt(10),
  ]);
  expect(await levelsOf(`(status: VERIFIED, first: 2, after: "${keyAt(10)}")`)).toEqual([
    keyAt(20),
    keyAt(30),
  ]);
  expect(await levelsOf('(provider: P100)')).toEqual(['p100/wallet']);
  expect(await levelsOf('(after: "z")')).toEqual([]);
});

it('returns a separate page for each user', async () => {
  const { data } = await world.execute(
    OPERATOR,
    '{ users { nodes { externalUserId levelCount levels(first: 2) { level { key } } } } }',
  );
  expect(data.users.nodes).toHaveLength(2);
  expect(data.users.nodes).toEqual(
    expect.arrayContaining([
      {
        externalUserId: 'ann',
        levelCount: COUNT + 1,
        levels: [{ level: { key: 'p100/wallet' } }, { level: { key: keyAt(0) } }],
      },
      { externalUserId: 'bob', levelCount: 1, levels: [{ level: { key: keyAt(7) } }] },
    ]),
  );
});

it.each([0, 501, -1])('rejects a page of %i levels', async (first) => {
  const source = `{ user(externalUserId: "ann") { levels(first: ${first}) { status } } }`;
  expect(codesOf(await world.execute(OPERATOR, source))).toEqual(['BAD_USER_INPUT']);
});

it('bounds the lists of a verification, and omits an alternative that is too long', async () => {
  const source = `{ user(externalUserId: "ann") { verification { status missingCount
    missing { level { key } } alternatives { levels { status } } because { status } } } }`;
  const { data } = await world.execute(OPERATOR, source);
  const { missing, ...rest } = data.user.verification;
  expect(missing).toHaveLength(100);
  expect(rest).toMatchObject({
    status: 'NOT_VERIFIED',
    missingCount: 109,
    alternatives: [{ levels: [{ status: 'NOT_VERIFIED' }] }],
    because: [],
  });
});

it('returns one page of levels in each item of a subscription', async () => {
  const watch = await world.subscribe(
    OPERATOR,
    'subscription { statusChanged { user { levelCount levels { level { key } } verification { missing { status } } } } }',
  );
  await world.recordEvents('sumsub', statusEvent('ann', 'REJECTED', 500, { level: nameAt(119) }));
  const [item] = await watch.take(1);
  await watch.stop();
  const { user } = item?.data.statusChanged ?? {};
  expect(user.levelCount).toBe(COUNT + 1);
  expect(user.levels).toHaveLength(100);
  expect((user.verification.missing as unknown[]).length).toBeLessThanOrEqual(100);
});
