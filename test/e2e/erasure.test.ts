/** A person is erased from a whole gateway: from its database, its log, its memory, and from those who follow it. */

import { bytesOf, createTestDatabase, ENGINE } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { connectClient } from '../support/raw-ws';
import { until } from '../support/until';
import { API_KEY, codesOf, startGateway, type TestGateway, tokenFor } from './support/gateway';
import { readMetrics } from './support/metrics';

const disposal = createDisposal();

const TRACES = {
  externalUserId: 'customer-vermilion',
  applicant: '64b1f0aa11bb22cc33dd44ee',
  fullName: 'Vermilia Inventsdottir',
  age: '4711 winters',
  email: 'vermilion@example.test',
  comment: 'the lady in vermilion showed a library card',
  document: 'library card no. 887766',
};

const ERASE = `mutation ($input: EraseUserInput!) {
  eraseUser(input: $input) {
    erased heldUntil basis user { id externalUserId erasedAt verificationStatus }
    userErrors { code path }
  }
}`;

const CHANGES = `subscription { statusChanged { cause { kind } user { erasedAt externalUserId }
  rejection { reasons { message } } } }`;

function sumsub(type: string, second: number, rest: object = {}) {
  return {
    applicantId: TRACES.applicant,
    externalUserId: TRACES.externalUserId,
    inspectionId: 'inspection',
    correlationId: `req-${second}`,
    levelName: 'basic-kyc-level',
    type,
    reviewStatus: 'init',
    createdAtMs: `2024-01-01 00:00:${String(second).padStart(2, '0')}.000`,
    ...rest,
  };
}

const REJECTED = sumsub('applicantReviewed', 2, {
  reviewStatus: 'completed',
  document: TRACES.document,
  reviewResult: {
    reviewAnswer: 'RED',
    reviewRejectType: 'RETRY',
    rejectLabels: ['BAD_SELFIE'],
    moderationComment: TRACES.comment,
  },
});

/** @returns the opaque id of the person. */
async function postEvents(gateway: TestGateway, vendors = ['sumsub', 'paycaddy']): Promise<string> {
  await gateway.post('sumsub', sumsub('applicantPending', 1));
  await gateway.post('sumsub', REJECTED);
  if (vendors.includes('paycaddy')) await postEventsAtPaycaddy(gateway);
  await gateway.post('sumsub', sumsub('applicantTagsChanged', 4, { tags: [TRACES.email] }));
  await gateway.post('sumsub', '{"applicantId": "64b1f0aa11bb22cc33dd44ee", "type": 7}');
  const { data } = await gateway.ask(`{ user(externalUserId: "${TRACES.externalUserId}") { id } }`);
  return data.user.id;
}

async function postEventsAtPaycaddy(gateway: TestGateway): Promise<void> {
  await gateway.post('paycaddy', {
    metadata: { userId: 'account-of-vermilion' },
    status: 'verified',
    description: 'Verification signed',
    fullName: TRACES.fullName,
    age: TRACES.age,
    timeStamp: '2024-01-01T00:00:03.0000000Z',
  });
  const identity = '{ provider: PAYCADDY, ref: "account-of-vermilion" }';
  await gateway.ask(
    `mutation { linkIdentity(input: { identity: ${identity}, externalUserId: "${TRACES.externalUserId}" }) { user { id } } }`,
  );
}

describe('a user who is erased', () => {
  it('is found nowhere any more: not in the database, its log, the gateway’s log or an answer', async () => {
    const { log, lines } = createRecordedLog();
    const gateway = await startGateway(disposal, { log });
    const id = await postEvents(gateway);
    const database = gateway.config.database;
    expect((await bytesOf(database)).includes(TRACES.comment)).toBe(true);

    const input = { userId: id, reason: 'request 17' };
    const { data, errors } = await gateway.ask(ERASE, { input });

    expect(errors).toBeUndefined();
    expect(data.eraseUser).toMatchObject({
      erased: true,
      heldUntil: null,
      user: { id, externalUserId: null, erasedAt: expect.any(String) },
      userErrors: [],
    });
    await gateway.post('sumsub', sumsub('applicantOnHold', 5));
    const all = await gateway.ask(`{
      users { nodes { id externalUserId identities { ref externalUserId } profile(reason: "a check") { fullName age }
        attempts { nodes { rejection { reasons { message } } providerAttemptRef } } credentials { id } } }
      webhookDeliveries { nodes { rawBody(reason: "a check") reason } }
      statusChanges { nodes { rejection { reasons { message } } cause { kind } } }
    }`);
    expect(all.errors).toBeUndefined();
    expect(all.data.users.nodes).toHaveLength(1);
    expect(all.data.webhookDeliveries.nodes).toHaveLength(6);
    const bytes = await bytesOf(database);
    const said = Buffer.from(JSON.stringify([all.data, lines]));
    for (const [name, trace] of Object.entries(TRACES)) {
      expect([name, bytes.includes(trace), said.includes(trace)]).toEqual([name, false, false]);
    }
    expect(await gateway.store.audit.verify(null)).toMatchObject({ ok: true });
  });

  it('is pushed to subscribers from the log alone, and ends the subscriptions of the user', async () => {
    const shared = await createTestDatabase();
    disposal.defer(shared.drop);
    const env = { DATABASE_URL: shared.url };
    const first = await startGateway(disposal, { env });
    const second = ENGINE === 'postgres' ? await startGateway(disposal, { env }) : first;
    const id = await postEvents(first);
    const token = await tokenFor(TRACES.externalUserId);
    const subscribed = { type: 'subscribe', id: '1', payload: { query: CHANGES } };
    const herself = await connectClient(disposal, second.wsUrl, token);
    herself.send(subscribed);
    const operator = await connectClient(disposal, second.wsUrl, API_KEY);
    operator.send(subscribed);
    await until(async () => (await readMetrics(second)).get('kyc_subscriptions') === 2);

    await first.ask(ERASE, { input: { userId: id, reason: 'request 17' } });

    expect((await herself.closed).code).toBe(4403);
    await until(() => operator.messages.some(({ type }) => type === 'next'));
    const [next] = operator.messages.filter(({ type }) => type === 'next');
    expect(next?.payload).toEqual({
      data: {
        statusChanged: {
          cause: { kind: 'ERASURE' },
          user: { erasedAt: expect.any(String), externalUserId: null },
          rejection: null,
        },
      },
    });
    const cursor = await second.ask('{ statusChanges(first: 1) { nodes { cursor } } }');
    const [{ cursor: after }] = cursor.data.statusChanges.nodes;
    const payload = { query: CHANGES.replace('statusChanged', `statusChanged(after: "${after}")`) };
    operator.send({ type: 'subscribe', id: '2', payload });
    await until(() => operator.messages.filter((message) => message.id === '2').length >= 3);
    expect(JSON.stringify(operator.messages.filter((message) => message.id === '2'))).not.toContain(
      'vermilion',
    );
    const again = await connectClient(disposal, second.wsUrl, API_KEY);
    expect(again.messages).toHaveLength(1);
  });

  it('is erased only with the scope, a reason and exactly one ID', async () => {
    const gateway = await startGateway(disposal);
    const { externalUserId } = TRACES;
    const userId = await postEvents(gateway);
    const { key } = await gateway.createKey('read', 'operate', 'pii:read');
    const ask = (input: object, credential = API_KEY) => gateway.ask(ERASE, { input }, credential);
    const reason = 'request 17';

    expect(codesOf(await ask({ userId, reason }, key))).toEqual(['FORBIDDEN']);
    expect(codesOf(await ask({ userId, reason }, await tokenFor(externalUserId)))).toEqual([
      'FORBIDDEN',
    ]);
    const faults = [
      await ask({ userId, reason: ' ' }),
      await ask({ userId, reason: 'x'.repeat(201) }),
      await ask({ userId, externalUserId, reason }),
      await ask({ reason }),
      await ask({ externalUserId: 'nobody', reason }),
    ];
    const codes = faults.map(({ data }) => data.eraseUser.userErrors[0].code);
    const expected = ['REASON_INVALID', 'REASON_INVALID', 'TARGET_INVALID', 'TARGET_INVALID'];
    expect(codes).toEqual([...expected, 'USER_NOT_FOUND']);
    const { data } = await ask({ externalUserId, reason });
    expect(data.eraseUser.erased).toBe(true);
    expect((await ask({ userId, reason })).data.eraseUser.erased).toBe(true);
  });
});

describe('a user that Sumsub has erased', () => {
  const TYPES = ['applicantDeleted', 'applicantPersonalDataDeleted'];

  it.each(TYPES)('with `%s`, is erased here too where that is wanted', async (type) => {
    const gateway = await startGateway(disposal, { env: { SUMSUB_ERASURES: 'true' } });
    const id = await postEvents(gateway, ['sumsub']);
    const reply = await gateway.post('sumsub', sumsub(type, 9));
    expect(reply.status).toBe(200);
    const { data } = await gateway.ask(`{ user(id: "${id}") { erasedAt externalUserId } }`);
    expect(data.user).toEqual({ erasedAt: expect.any(String), externalUserId: null });
    const again = await gateway.post('sumsub', sumsub(type, 9));
    expect(again.kept?.duplicate).toBe(true);
    const { rows } = await gateway.store.read.auditEntries({}, { first: 10 });
    expect(rows.map(({ row }) => [row.action, row.actor, row.reason])).toEqual([
      ['USER_ERASED', 'provider:sumsub', type],
    ]);
    const bytes = await bytesOf(gateway.config.database);
    expect(Object.values(TRACES).filter((trace) => bytes.includes(trace))).toEqual([]);
  });

  // Regression: the erasure also removed events of other providers, which had erased nothing.
  it.each(TYPES)('with `%s`, keeps the accounts at other providers', async (type) => {
    const gateway = await startGateway(disposal, { env: { SUMSUB_ERASURES: 'true' } });
    const id = await postEvents(gateway);
    await gateway.post('sumsub', sumsub(type, 9));
    const { data } =
      await gateway.ask(`{ user(id: "${id}") { erasedAt externalUserId verificationStatus
      profile(reason: "a check") { fullName } identities { provider } levels { status } } }`);
    expect(data.user).toMatchObject({
      erasedAt: null,
      externalUserId: TRACES.externalUserId,
      verificationStatus: 'VERIFIED',
      profile: { fullName: TRACES.fullName },
      identities: [{ provider: 'PAYCADDY' }],
      levels: [{ status: 'VERIFIED' }],
    });
    const bytes = await bytesOf(gateway.config.database);
    const left = Object.values(TRACES).filter((trace) => bytes.includes(trace));
    expect(left).toEqual([TRACES.externalUserId]);
    const erasures = { action: ['USER_ERASED'] } as const;
    const { rows } = await gateway.store.read.auditEntries(erasures, { first: 2 });
    expect(rows).toHaveLength(1);
    expect(rows[0]?.row).toMatchObject({
      details: { identities: 1, splitFrom: 1 },
    });
    expect(rows[0]?.row.subject).not.toBe('User:1');
  });

  it('leaves no personal data in the two forms of the deletion message', async () => {
    const gateway = await startGateway(disposal, { env: { SUMSUB_ERASURES: 'true' } });
    await postEvents(gateway, ['sumsub']);
    for (const type of TYPES) await gateway.post('sumsub', sumsub(type, 9));
    const { data } = await gateway.ask(
      '{ webhookDeliveries { nodes { rawBody(reason: "a check") } } }',
    );
    const bodies = data.webhookDeliveries.nodes.map(({ rawBody }: { rawBody: string }) => rawBody);
    expect(bodies).toEqual(Array.from({ length: 6 }, () => null));
  });

  // Regression: a duplicate or replayed deletion message erased a user that had returned.
  it.each(TYPES)(
    'with `%s`, is not erased again by the same message after returning',
    async (type) => {
      const clock = { now: new Date('2024-01-01T00:01:00Z') };
      const env = { SUMSUB_ERASURES: 'true' };
      const gateway = await startGateway(disposal, { env, clock: () => clock.now });
      await postEvents(gateway, ['sumsub']);
      await gateway.post('sumsub', sumsub(type, 9));
      clock.now = new Date('2024-01-05T00:00:00Z');
      const again = { createdAtMs: '2024-01-04 00:00:00.000' };
      await gateway.post('sumsub', sumsub('applicantPending', 20, again));
      const live = async () => {
        const { externalUserId } = TRACES;
        const user = await gateway.store.read.userByExternalId(externalUserId);
        return user !== null && user.erasedAt === null;
      };
      expect(await live()).toBe(true);

      expect((await gateway.post('sumsub', sumsub(type, 9))).kept?.duplicate).toBe(true);
      expect(await live()).toBe(true);
      await gateway.post('sumsub', sumsub(type, 8)); // another one, as old
      expect(await live()).toBe(true);
      await gateway.ask(
        'mutation { replayDeliveries(input: { receivedFrom: "2000-01-01T00:00:00Z" }) { deliveries } }',
      );
      expect(await live()).toBe(true);
      await gateway.post('sumsub', sumsub(type, 30, { createdAtMs: '2024-01-04 12:00:00.000' }));
      expect(await live()).toBe(false);
    },
  );

  it.each(TYPES)(
    'with `%s`, is kept if erasure is off, the message is unsigned, or it is a sandbox message',
    async (type) => {
      const gateway = await startGateway(disposal);
      const id = await postEvents(gateway);
      await gateway.post('sumsub', sumsub(type, 9));
      const eager = await startGateway(disposal, { env: { SUMSUB_ERASURES: 'true' } });
      const other = await postEvents(eager);
      const refused = await eager.post('sumsub', sumsub(type, 9), { secret: 'another secret' });
      expect(refused.status).toBe(401);
      await eager.post('sumsub', sumsub(type, 9, { sandboxMode: true }));
      const ask = (of: TestGateway, userId: string) =>
        of.ask(`{ user(id: "${userId}") { erasedAt } }`);
      expect((await ask(gateway, id)).data.user.erasedAt).toBeNull();
      expect((await ask(eager, other)).data.user.erasedAt).toBeNull();
    },
  );
});

describe('a user who has to be kept', () => {
  const HOLD = `mutation ($input: SetLegalHoldInput!) { setLegalHold(input: $input) { userErrors { code } } }`;
  const RELEASE = `mutation ($input: ReleaseLegalHoldInput!) { releaseLegalHold(input: $input) { userErrors { code } } }`;

  it('is erased once the hold is released, and not before', async () => {
    const gateway = await startGateway(disposal);
    const userId = await postEvents(gateway);
    await gateway.ask(HOLD, { input: { userId, basis: 'case 4' } });
    const held = await gateway.ask(ERASE, { input: { userId, reason: 'request 17' } });
    expect(held.data.eraseUser).toMatchObject({
      erased: false,
      heldUntil: null,
      basis: 'case 4',
      user: { externalUserId: TRACES.externalUserId, erasedAt: null },
      userErrors: [],
    });

    await gateway.ask(RELEASE, { input: { userId, reason: 'case closed' } });

    await until(async () => {
      const { data } = await gateway.ask(`{ user(id: "${userId}") { erasedAt } }`);
      return data.user.erasedAt !== null;
    });
    await until(() => gateway.store.erasures.wipe());
    expect((await bytesOf(gateway.config.database)).includes(TRACES.comment)).toBe(false);
    const { rows } = await gateway.store.read.auditEntries({}, { first: 10 });
    expect(rows.map(({ row }) => [row.action, row.reason])).toEqual([
      ['USER_ERASED', 'request 17'],
      ['LEGAL_HOLD_RELEASED', 'case closed'],
      ['ERASURE_REQUESTED', 'request 17'],
      ['LEGAL_HOLD_SET', null],
      ['IDENTITY_LINKED', null],
    ]);
    const late = await gateway.ask(HOLD, { input: { userId, basis: 'case 5' } });
    expect(late.data.setLegalHold.userErrors).toEqual([{ code: 'USER_ERASED' }]);
  });

  it('by law is erased when that time has passed since the last decision', async () => {
    const clock = { now: new Date('2025-06-01T12:00:00Z') };
    const env = { ERASURE_HOLD: 'P5Y', ERASURE_HOLD_BASIS: 'the invented act, § 3' };
    const gateway = await startGateway(disposal, { env, clock: () => clock.now });
    const userId = await postEvents(gateway);
    const ask = () => gateway.ask(ERASE, { input: { userId, reason: 'request 17' } });
    const { data } = await ask();
    expect(data.eraseUser).toMatchObject({
      erased: false,
      heldUntil: '2029-01-01T00:00:03.000Z',
      basis: 'the invented act, § 3',
    });

    clock.now = new Date('2029-01-01T00:00:04Z');

    await until(async () => (await ask()).data.eraseUser.erased);
    const { rows } = await gateway.store.read.auditEntries({}, { first: 10 });
    const actions = rows.map(({ row }) => row.action);
    expect(actions).toEqual(['USER_ERASED', 'ERASURE_REQUESTED', 'IDENTITY_LINKED']);
  });
});
