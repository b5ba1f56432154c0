/** The number of SQL statements does not depend on the page size. */

import { endUser, OPERATOR, openWorld, statusEvent, type World } from './world';

let world: World;

beforeAll(async () => {
  world = await openWorld();
  for (let n = 0; n < 30; n += 1) {
    await world.recordEvents('sumsub', statusEvent(`user-${n}`, 'REJECTED', n));
    await world.recordEvents('sumsub', statusEvent(`user-${n}`, 'PENDING', 100 + n));
    await world.recordEvents(
      'p100',
      statusEvent(`user-${n}`, 'APPROVED', n, { level: `level-${n % 7}` }),
    );
    await world.recordEvents('p100', {
      type: 'PROFILE',
      subjectRef: `ref-user-${n}`,
      externalUserId: `user-${n}`,
      profile: { age: String(20 + n) },
    });
  }
  await world.stopFeed();
});

afterAll(() => world.close());

async function statementsFor(
  source: string,
  variables: Record<string, unknown> = {},
): Promise<readonly string[]> {
  world.statements.clear();
  const { errors } = await world.execute(OPERATOR, source, variables);
  expect(errors).toBeUndefined();
  return [...world.statements.sent];
}

/** Bodies are read in slices, because each may have 1 MiB. */
function readsBodies(sql: string): boolean {
  return sql.includes('d.body_key_id');
}

/** Returns the count of the most frequent statement. */
function maxCount(statements: readonly string[]): number {
  const times = [...new Set(statements)].map(
    (sql) => statements.filter((one) => one === sql).length,
  );
  return Math.max(...times);
}

/**
 * Maximum count of one statement. Fields that load the same type share a statement if they load in the same tick, which
 * depends on the order of earlier results. So a type may be loaded a few times, for any page size. One statement per
 * object would exceed the maximum: there are 30 users and 8 levels.
 */
const MAX_REPETITIONS = 6;

const PAGES = {
  'users with all fields': `query ($first: Int) { users(first: $first) { totalCount nodes {
      verification { because { level { key } attempt { number } } missing { level { key } attempt { number } } }
      identities { ref } credentials { credentialRef } profile(reason: "test") { age }
      levels { level { name } latestAttempt { status user { id } } }
      attempts(first: $first) { totalCount nodes { level { key } user { externalUserId }
        statusChanges(first: $first) { totalCount nodes { cause { delivery { rawBody(reason: "test") } } } } } }
      statusChanges(first: $first) { totalCount nodes { attempt { status } user { id } level { key } } } } } }`,
  'attempts with their users': `query ($first: Int) { verificationAttempts(first: $first) { totalCount nodes {
      user { attempts(filter: { externalUserId: "user-1" }) { totalCount nodes { id } } } level { kind }
      statusChanges { totalCount nodes { id } } } } }`,
  'the change log': `query ($first: Int) { statusChanges(first: $first) { totalCount nodes {
      user { externalUserId } level { key } attempt { number } cause { delivery { user { id } } } } } }`,
  deliveries: `query ($first: Int) { webhookDeliveries(first: $first) { totalCount nodes {
      rawBody(reason: "test") user { externalUserId } statusChanges { totalCount nodes { id } } } } }`,
};

describe('the number of statements', () => {
  it.each(Object.entries(PAGES))(
    'does not grow from a page of 2 to one of 30: %s',
    async (_, source) => {
      const small = await statementsFor(source, { first: 2 });
      const large = await statementsFor(source, { first: 30 });
      expect(new Set(large)).toEqual(new Set(small));
      expect(new Set(small).size).toBeGreaterThan(3);
      expect(maxCount(large.filter((sql) => !readsBodies(sql)))).toBeLessThanOrEqual(
        MAX_REPETITIONS,
      );
    },
  );

  it('runs no count unless the operation selects it', async () => {
    const without = await statementsFor('{ users { nodes { id } } }');
    const withCount = await statementsFor('{ users { totalCount nodes { id } } }');
    expect(withCount).toHaveLength(without.length + 1);
  });

  it('reads one batch per distinct set of arguments', async () => {
    const once = await statementsFor('{ users { nodes { attempts(first: 1) { nodes { id } } } } }');
    const twice = await statementsFor(
      `{ users { nodes { a: attempts(first: 1) { nodes { id } } b: attempts(first: 1) { nodes { id } }
          c: attempts(first: 2) { nodes { id } } } } }`,
    );
    expect(twice).toHaveLength(once.length + 1);
  });

  it('looks up an end user once per operation', async () => {
    world.statements.clear();
    await world.execute(
      endUser('user-1'),
      '{ users { nodes { id attempts { nodes { user { id } } } } } verificationAttempts { nodes { id } } viewer { user { id } } }',
    );
    const lookups = world.statements.sent.filter((sql) => sql.includes('external_user_id = ?'));
    expect(lookups).toHaveLength(1);
  });
});
