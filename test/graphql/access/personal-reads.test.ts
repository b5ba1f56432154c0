/** Personal data is shown for a reason, which is in the audit log before anybody sees the data. */

import type { Principal } from '../../../src/access/principal';
import { StoreUnavailableError } from '../../../src/domain/errors';
import { createPersonalReads } from '../../../src/graphql/access/personal-reads';
import { getViewKey } from '../../../src/graphql/access/visibility';
import { change } from '../../support/databases';
import { codesOf, endUser, NOW, OPERATOR, openWorld, statusEvent, type World } from '../world';

const ACTOR = 'ApiKey:1 back office';
const NAMES = ['ann', 'bob', 'cleo'];

let world: World;

beforeEach(async () => {
  world = await openWorld();
  for (const [index, name] of NAMES.entries()) {
    await world.tell('sumsub', statusEvent(name, 'APPROVED', index), {
      type: 'PROFILE',
      subjectRef: `ref-${name}`,
      externalUserId: name,
      profile: { fullName: `${name} Invented` },
    });
  }
  await world.tell('p100', statusEvent('dan', 'PENDING', 9)); // of whom nothing personal is known
});

afterEach(() => world.close());

async function looks() {
  const { rows } = await world.store.read.auditEntries({}, { first: 100 });
  expect(await world.store.audit.verify(null)).toMatchObject({ ok: true });
  return rows.map(({ row }) => row).reverse();
}

function profileOf(name: string, reason: string): string {
  return `{ user(externalUserId: "${name}") { profile${reason} { fullName } } }`;
}

describe('an API key', () => {
  it('is shown a profile for a reason, and the log has all of it', async () => {
    const answer = await world.ask(OPERATOR, profileOf('ann', '(reason: " ticket 4711 ")'));
    expect(answer).toEqual({ data: { user: { profile: { fullName: 'ann Invented' } } } });
    expect(await looks()).toMatchObject([
      {
        action: 'PROFILE_READ',
        actor: ACTOR,
        subject: 'User:1',
        reason: 'ticket 4711',
        details: {},
        at: NOW,
      },
    ]);
  });

  it('is shown raw bodies for a reason', async () => {
    const source = '{ webhookDeliveries(first: 2) { nodes { rawBody(reason: "complaint") } } }';
    const answer = await world.ask(OPERATOR, source);
    expect(answer.data.webhookDeliveries.nodes).toEqual([
      { rawBody: '{"delivery":4}' },
      { rawBody: '{"delivery":3}' },
    ]);
    expect(await looks()).toMatchObject([
      { action: 'RAW_BODY_READ', actor: ACTOR, subject: 'WebhookDelivery:4', reason: 'complaint' },
      { action: 'RAW_BODY_READ', actor: ACTOR, subject: 'WebhookDelivery:3', reason: 'complaint' },
    ]);
  });

  // Regression: one document held memory and the event loop by a hundred bodies of 1 MiB.
  it('is shown about 16 MiB of raw bodies by one operation, and an error for each beyond', async () => {
    const rawBody = Buffer.alloc(1024 * 1024, 'x');
    for (let index = 0; index < 26; index += 1) {
      const duplicateKey = `large ${index}`;
      const reading = { kind: 'IGNORED', eventType: 'large', duplicateKey } as const;
      await world.record({ rawBody, reading });
    }
    const { data, errors } = await world.ask(
      OPERATOR,
      `{ webhookDeliveries(first: 26, filter: { eventType: "large" }) { nodes { id rawBody(reason: "size") } } }`,
    );
    const shown = data.webhookDeliveries.nodes.filter(
      (node: { rawBody: string | null }) => node.rawBody !== null,
    );
    expect(shown).toHaveLength(16);
    expect(codesOf({ errors: errors ?? [] })).toEqual(Array(10).fill('BAD_USER_INPUT'));
    expect(await looks()).toHaveLength(16);
  });

  it.each([
    ['', 'REASON_REQUIRED'],
    ['(reason: null)', 'REASON_REQUIRED'],
    ['(reason: "")', 'REASON_REQUIRED'],
    ['(reason: " \\n ")', 'REASON_REQUIRED'],
    [`(reason: "${'x'.repeat(201)}")`, 'BAD_USER_INPUT'],
  ])('is not shown a profile%s, and all else that it asked for', async (reason, code) => {
    const source = `{ user(externalUserId: "ann") { active profile${reason} { fullName } } }`;
    const answer = await world.ask(OPERATOR, source);
    expect(answer.data).toEqual({ user: { active: true, profile: null } });
    expect(answer.errors).toMatchObject([{ path: ['user', 'profile'], extensions: { code } }]);
    expect(await looks()).toEqual([]);
  });

  it('is not shown a profile for a reason that cannot be stored as it is', async () => {
    const source =
      'query ($reason: String) { user(externalUserId: "ann") { profile(reason: $reason) { age } } }';
    const answer = await world.ask(OPERATOR, source, { reason: 'half \uD83E of it' });
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(await looks()).toEqual([]);
  });

  it('may give 200 characters', async () => {
    const answer = await world.ask(OPERATOR, profileOf('ann', `(reason: "${'x'.repeat(200)}")`));
    expect(answer.errors).toBeUndefined();
    expect(await looks()).toHaveLength(1);
  });

  it('without the scope is told so, and not asked for a reason', async () => {
    const reader: Principal = { ...OPERATOR, kind: 'API_KEY', scopes: new Set(['read']) } as never;
    expect(codesOf(await world.ask(reader, profileOf('ann', '')))).toEqual(['FORBIDDEN']);
    expect(codesOf(await world.ask(reader, profileOf('ann', '(reason: "x")')))).toEqual([
      'FORBIDDEN',
    ]);
    expect(await looks()).toEqual([]);
  });

  it('leaves one entry for each user of a page, in one transaction, and none where nothing is known', async () => {
    await world.silence();
    world.statements.forget();
    const source =
      '{ users { nodes { externalUserId profile(reason: "report") { fullName } again: profile(reason: "report") { email } } } }';
    const answer = await world.ask(OPERATOR, source);
    expect(answer.errors).toBeUndefined();
    expect(answer.data.users.nodes).toHaveLength(4);
    const writes = world.statements.sent.filter((sql) => sql.includes('audit_entries'));
    expect(writes).toHaveLength(2); // the end of the chain is read, the entries are written
    const subjects = (await looks()).map(({ subject }) => subject);
    expect([...subjects].sort()).toEqual(['User:1', 'User:2', 'User:3']);
  });

  it('leaves one entry for each reason', async () => {
    const source = `{ user(externalUserId: "ann") {
      profile(reason: "one") { fullName } other: profile(reason: "two") { email } } }`;
    expect((await world.ask(OPERATOR, source)).errors).toBeUndefined();
    expect((await looks()).map(({ reason }) => reason).sort()).toEqual(['one', 'two']);
  });

  it('is shown nothing where the look cannot be written down', async () => {
    const tables = world.database;
    await change(tables, 'ALTER TABLE audit_entries RENAME TO elsewhere');
    const source =
      '{ user(externalUserId: "ann") { active profile(reason: "x") { fullName } } webhookDeliveries { nodes { trust rawBody(reason: "x") } } }';
    const answer = await world.ask(OPERATOR, source);
    await change(tables, 'ALTER TABLE elsewhere RENAME TO audit_entries');
    expect(new Set(codesOf(answer))).toEqual(new Set(['INTERNAL']));
    expect(answer.data.user).toEqual({ active: true, profile: null });
    expect(answer.data.webhookDeliveries.nodes[0]).toEqual({ trust: 'SIGNED', rawBody: null });
    expect(JSON.stringify(answer)).not.toMatch(/Invented|"delivery/);
    expect(JSON.stringify(world.faults)).not.toMatch(/Invented/);
  });

  it('is told that the store is away where it is, and shown nothing', async () => {
    const audit = {
      ...world.store.audit,
      record: () => Promise.reject(new StoreUnavailableError()),
    };
    const reads = createPersonalReads({
      read: world.store.read,
      audit,
      visibility: { assertCanReadPersonalData: () => ACTOR },
      now: () => NOW,
    });
    await expect(reads.readProfile(1, 'x')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(reads.readRawBody(1, 'x')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

it('nothing is written where nothing personal is asked for', async () => {
  await world.silence();
  world.statements.forget();
  await world.ask(OPERATOR, '{ users { nodes { externalUserId levels { status } } } }');
  expect(
    world.statements.sent.filter((sql) => !/^(SELECT|BEGIN|COMMIT|ROLLBACK)/.test(sql)),
  ).toEqual([]);
});

it('end users see their own data without a reason, and nobody writes it down', async () => {
  const source = '{ viewer { user { profile { fullName } } } }';
  for (const asked of [source, source.replace('profile', 'profile(reason: "mine")')]) {
    const answer = await world.ask(endUser('bob', 'pii:read'), asked);
    expect(answer.data.viewer.user.profile).toEqual({ fullName: 'bob Invented' });
  }
  expect(await looks()).toEqual([]);
});

describe('a subscription', () => {
  const WATCH = (reason: string) =>
    `subscription { statusChanged { user { externalUserId profile${reason} { fullName } } } }`;

  it('leaves an entry for every item that shows a profile', async () => {
    const watch = await world.watch(OPERATOR, WATCH('(reason: "dashboard")'));
    await world.tell('sumsub', statusEvent('ann', 'REJECTED', 20));
    await world.tell('sumsub', statusEvent('bob', 'REJECTED', 21));
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 22));
    const items = await watch.take(3);
    expect(items.map(({ data }) => data.statusChanged.user.profile.fullName)).toEqual([
      'ann Invented',
      'bob Invented',
      'ann Invented',
    ]);
    expect(await looks()).toMatchObject([
      { subject: 'User:1', reason: 'dashboard' },
      { subject: 'User:2', reason: 'dashboard' },
      { subject: 'User:1', reason: 'dashboard' },
    ]);
    await watch.stop();
  });

  it('shows no profile without a reason, and goes on', async () => {
    const watch = await world.watch(OPERATOR, WATCH(''));
    await world.tell('sumsub', statusEvent('ann', 'REJECTED', 20));
    await world.tell('sumsub', statusEvent('bob', 'REJECTED', 21));
    for (const item of await watch.take(2)) {
      expect(item.data.statusChanged.user.profile).toBeNull();
      expect(codesOf(item)).toEqual(['REASON_REQUIRED']);
    }
    expect(await looks()).toEqual([]);
    await watch.stop();
  });
});

describe('keys that see the same', () => {
  const key = (keyId: number | null, ...scopes: string[]): Principal =>
    ({ kind: 'API_KEY', keyId, name: 'name', scopes: new Set(scopes) }) as Principal;

  it('share what is pushed unless they may look at personal data', () => {
    expect(getViewKey(key(1, 'read'))).toBe(getViewKey(key(2, 'read')));
    expect(getViewKey(key(1, 'read', 'pii:read'))).not.toBe(getViewKey(key(2, 'read', 'pii:read')));
    expect(getViewKey(key(1, 'read', 'pii:read'))).not.toBe(
      getViewKey(key(null, 'read', 'pii:read')),
    );
    expect(getViewKey(key(1, 'read', 'pii:read'))).toBe(getViewKey(key(1, 'pii:read', 'read')));
  });
});
