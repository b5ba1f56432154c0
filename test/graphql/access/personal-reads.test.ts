/** Reads of personal data require a reason, and are in the audit log before the data is returned. */

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
    await world.recordEvents('sumsub', statusEvent(name, 'APPROVED', index), {
      type: 'PROFILE',
      subjectRef: `ref-${name}`,
      externalUserId: name,
      profile: { fullName: `${name} Invented` },
    });
  }
  await world.recordEvents('p100', statusEvent('dan', 'PENDING', 9)); // a user without personal data
});

afterEach(() => world.close());

async function loadAuditEntries() {
  const { rows } = await world.store.read.auditEntries({}, { first: 100 });
  expect(await world.store.audit.verify(null)).toMatchObject({ ok: true });
  return rows.map(({ row }) => row).reverse();
}

function profileOf(name: string, reason: string): string {
  return `{ user(externalUserId: "${name}") { profile${reason} { fullName } } }`;
}

describe('an API key', () => {
  it('reads a profile with a reason, which the audit log records', async () => {
    const response = await world.execute(OPERATOR, profileOf('ann', '(reason: " ticket 4711 ")'));
    expect(response).toEqual({ data: { user: { profile: { fullName: 'ann Invented' } } } });
    expect(await loadAuditEntries()).toMatchObject([
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

  it('reads raw bodies with a reason', async () => {
    const source = '{ webhookDeliveries(first: 2) { nodes { rawBody(reason: "complaint") } } }';
    const response = await world.execute(OPERATOR, source);
    expect(response.data.webhookDeliveries.nodes).toEqual([
      { rawBody: '{"delivery":4}' },
      { rawBody: '{"delivery":3}' },
    ]);
    expect(await loadAuditEntries()).toMatchObject([
      { action: 'RAW_BODY_READ', actor: ACTOR, subject: 'WebhookDelivery:4', reason: 'complaint' },
      { action: 'RAW_BODY_READ', actor: ACTOR, subject: 'WebhookDelivery:3', reason: 'complaint' },
    ]);
  });

  // Regression: a document with a hundred bodies of 1 MiB blocked the event loop and used unbounded memory.
  it('reads about 16 MiB of raw bodies per operation, and receives an error for each further body', async () => {
    const rawBody = Buffer.alloc(1024 * 1024, 'x');
    for (let index = 0; index < 26; index += 1) {
      const duplicateKey = `large ${index}`;
      const reading = { kind: 'IGNORED', eventType: 'large', duplicateKey } as const;
      await world.record({ rawBody, reading });
    }
    const { data, errors } = await world.execute(
      OPERATOR,
      `{ webhookDeliveries(first: 26, filter: { eventType: "large" }) { nodes { id rawBody(reason: "size") } } }`,
    );
    const shown = data.webhookDeliveries.nodes.filter(
      (node: { rawBody: string | null }) => node.rawBody !== null,
    );
    expect(shown).toHaveLength(16);
    expect(codesOf({ errors: errors ?? [] })).toEqual(Array(10).fill('BAD_USER_INPUT'));
    expect(await loadAuditEntries()).toHaveLength(16);
  });

  it.each([
    ['', 'REASON_REQUIRED'],
    ['(reason: null)', 'REASON_REQUIRED'],
    ['(reason: "")', 'REASON_REQUIRED'],
    ['(reason: " \\n ")', 'REASON_REQUIRED'],
    [`(reason: "${'x'.repeat(201)}")`, 'BAD_USER_INPUT'],
  ])('receives all fields except profile%s', async (reason, code) => {
    const source = `{ user(externalUserId: "ann") { active profile${reason} { fullName } } }`;
    const response = await world.execute(OPERATOR, source);
    expect(response.data).toEqual({ user: { active: true, profile: null } });
    expect(response.errors).toMatchObject([{ path: ['user', 'profile'], extensions: { code } }]);
    expect(await loadAuditEntries()).toEqual([]);
  });

  it('reads no profile with a reason that cannot be stored unchanged', async () => {
    const source =
      'query ($reason: String) { user(externalUserId: "ann") { profile(reason: $reason) { age } } }';
    const response = await world.execute(OPERATOR, source, { reason: 'half \uD83E of it' });
    expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
    expect(await loadAuditEntries()).toEqual([]);
  });

  it('may give a reason of 200 characters', async () => {
    const response = await world.execute(
      OPERATOR,
      profileOf('ann', `(reason: "${'x'.repeat(200)}")`),
    );
    expect(response.errors).toBeUndefined();
    expect(await loadAuditEntries()).toHaveLength(1);
  });

  it('receives FORBIDDEN without the scope, before the reason is checked', async () => {
    const reader: Principal = { ...OPERATOR, kind: 'API_KEY', scopes: new Set(['read']) } as never;
    expect(codesOf(await world.execute(reader, profileOf('ann', '')))).toEqual(['FORBIDDEN']);
    expect(codesOf(await world.execute(reader, profileOf('ann', '(reason: "x")')))).toEqual([
      'FORBIDDEN',
    ]);
    expect(await loadAuditEntries()).toEqual([]);
  });

  it('causes one entry per user of a page in one transaction, and none for users without a profile', async () => {
    await world.stopFeed();
    world.statements.clear();
    const source =
      '{ users { nodes { externalUserId profile(reason: "report") { fullName } again: profile(reason: "report") { email } } } }';
    const response = await world.execute(OPERATOR, source);
    expect(response.errors).toBeUndefined();
    expect(response.data.users.nodes).toHaveLength(4);
    const writes = world.statements.sent.filter((sql) => sql.includes('audit_entries'));
    expect(writes).toHaveLength(2); // reads the end of the chain, writes the entries
    const subjects = (await loadAuditEntries()).map(({ subject }) => subject);
    expect([...subjects].sort()).toEqual(['User:1', 'User:2', 'User:3']);
  });

  it('causes one entry per reason', async () => {
    const source = `{ user(externalUserId: "ann") {
      profile(reason: "one") { fullName } other: profile(reason: "two") { email } } }`;
    expect((await world.execute(OPERATOR, source)).errors).toBeUndefined();
    expect((await loadAuditEntries()).map(({ reason }) => reason).sort()).toEqual(['one', 'two']);
  });

  it('reads nothing if the audit entry cannot be written', async () => {
    const tables = world.database;
    await change(tables, 'ALTER TABLE audit_entries RENAME TO elsewhere');
    const source =
      '{ user(externalUserId: "ann") { active profile(reason: "x") { fullName } } webhookDeliveries { nodes { trust rawBody(reason: "x") } } }';
    const response = await world.execute(OPERATOR, source);
    await change(tables, 'ALTER TABLE elsewhere RENAME TO audit_entries');
    expect(new Set(codesOf(response))).toEqual(new Set(['INTERNAL']));
    expect(response.data.user).toEqual({ active: true, profile: null });
    expect(response.data.webhookDeliveries.nodes[0]).toEqual({ trust: 'SIGNED', rawBody: null });
    expect(JSON.stringify(response)).not.toMatch(/Invented|"delivery/);
    expect(JSON.stringify(world.loggedErrors)).not.toMatch(/Invented/);
  });

  it('receives STORE_UNAVAILABLE and no data if the database is unavailable', async () => {
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

it('an operation without personal data writes nothing', async () => {
  await world.stopFeed();
  world.statements.clear();
  await world.execute(OPERATOR, '{ users { nodes { externalUserId levels { status } } } }');
  expect(
    world.statements.sent.filter((sql) => !/^(SELECT|BEGIN|COMMIT|ROLLBACK)/.test(sql)),
  ).toEqual([]);
});

it('end users read their own data without a reason and without an audit entry', async () => {
  const source = '{ viewer { user { profile { fullName } } } }';
  for (const query of [source, source.replace('profile', 'profile(reason: "mine")')]) {
    const response = await world.execute(endUser('bob', 'pii:read'), query);
    expect(response.data.viewer.user.profile).toEqual({ fullName: 'bob Invented' });
  }
  expect(await loadAuditEntries()).toEqual([]);
});

describe('a subscription', () => {
  const WATCH = (reason: string) =>
    `subscription { statusChanged { user { externalUserId profile${reason} { fullName } } } }`;

  it('causes an entry for every item with a profile', async () => {
    const watch = await world.subscribe(OPERATOR, WATCH('(reason: "dashboard")'));
    await world.recordEvents('sumsub', statusEvent('ann', 'REJECTED', 20));
    await world.recordEvents('sumsub', statusEvent('bob', 'REJECTED', 21));
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 22));
    const items = await watch.take(3);
    expect(items.map(({ data }) => data.statusChanged.user.profile.fullName)).toEqual([
      'ann Invented',
      'bob Invented',
      'ann Invented',
    ]);
    expect(await loadAuditEntries()).toMatchObject([
      { subject: 'User:1', reason: 'dashboard' },
      { subject: 'User:2', reason: 'dashboard' },
      { subject: 'User:1', reason: 'dashboard' },
    ]);
    await watch.stop();
  });

  it('returns no profile without a reason, and continues', async () => {
    const watch = await world.subscribe(OPERATOR, WATCH(''));
    await world.recordEvents('sumsub', statusEvent('ann', 'REJECTED', 20));
    await world.recordEvents('sumsub', statusEvent('bob', 'REJECTED', 21));
    for (const item of await watch.take(2)) {
      expect(item.data.statusChanged.user.profile).toBeNull();
      expect(codesOf(item)).toEqual(['REASON_REQUIRED']);
    }
    expect(await loadAuditEntries()).toEqual([]);
    await watch.stop();
  });
});

describe('keys with equal permissions', () => {
  const key = (keyId: number | null, ...scopes: string[]): Principal =>
    ({ kind: 'API_KEY', keyId, name: 'name', scopes: new Set(scopes) }) as Principal;

  it('share pushed payloads unless they can read personal data', () => {
    expect(getViewKey(key(1, 'read'))).toBe(getViewKey(key(2, 'read')));
    expect(getViewKey(key(1, 'read', 'pii:read'))).not.toBe(getViewKey(key(2, 'read', 'pii:read')));
    expect(getViewKey(key(1, 'read', 'pii:read'))).not.toBe(
      getViewKey(key(null, 'read', 'pii:read')),
    );
    expect(getViewKey(key(1, 'read', 'pii:read'))).toBe(getViewKey(key(1, 'pii:read', 'read')));
  });
});
