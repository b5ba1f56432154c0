/** The number of SQL statements for a page does not grow with the page. */

import { endUser, OPERATOR, openWorld, statusEvent, type World } from './world';

let world: World;

beforeAll(async () => {
  world = await openWorld();
  for (let n = 0; n < 30; n += 1) {
    await world.tell('sumsub', statusEvent(`user-${n}`, 'REJECTED', n));
    await world.tell('sumsub', statusEvent(`user-${n}`, 'PENDING', 100 + n));
    await world.tell('p100', statusEvent(`user-${n}`, 'APPROVED', n, { level: `level-${n % 7}` }));
    await world.tell('p100', {
      type: 'PROFILE',
      subjectRef: `ref-user-${n}`,
      externalUserId: `user-${n}`,
      profile: { age: String(20 + n) },
    });
  }
  await world.silence();
});

afterAll(() => world.close());

async function statementsFor(
  source: string,
  variables: Record<string, unknown> = {},
): Promise<readonly string[]> {
  world.statements.forget();
  const { errors } = await world.ask(OPERATOR, source, variables);
  expect(errors).toBeUndefined();
  return [...world.statements.sent];
}

/** Bodies are read a few at a time: one alone may have 1 MiB. */
function readsBodies(sql: string): boolean {
  return sql.includes('d.body_key_id');
}

/** How often the statement sent most often was sent. */
function mostOften(statements: readonly string[]): number {
  const times = [...new Set(statements)].map(
    (sql) => statements.filter((one) => one === sql).length,
  );
  return Math.max(...times);
}

/**
 * Fields that ask for the same kind of thing from several places share a statement if they ask in the same instant,
 * which depends on which answers came first: so a kind may be asked for a few times, on a page of any size. One time
 * for each of the things on a page would be more than this: there are 30 users, and 8 levels.
 */
const A_FEW = 6;

const PAGES = {
  'users with all that hangs on them': `query ($first: Int) { users(first: $first) { totalCount nodes {
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
      expect(mostOften(large.filter((sql) => !readsBodies(sql)))).toBeLessThanOrEqual(A_FEW);
    },
  );

  it('does not pay for a count that nobody asks for', async () => {
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

  it('looks an end user up once in an operation', async () => {
    world.statements.forget();
    await world.ask(
      endUser('user-1'),
      '{ users { nodes { id attempts { nodes { user { id } } } } } verificationAttempts { nodes { id } } viewer { user { id } } }',
    );
    const lookups = world.statements.sent.filter((sql) => sql.includes('external_user_id = ?'));
    expect(lookups).toHaveLength(1);
  });
});
