/** The audit log of a gateway: every read of personal data is recorded with its actor, at every entry point. */

import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createDisposal } from '../support/disposal';
import { until } from '../support/until';
import { API_KEY, type TestGateway } from './support/gateway';
import { about, GREEN } from './support/messages';
import { startWithTwo } from './support/two-users';

const disposal = createDisposal();

const PROFILE = '{ user(externalUserId: "ada") { profile(reason: "x") { fullName } } }';
const WATCH = `subscription ($reason: String) {
  statusChanged { user { externalUserId profile(reason: $reason) { fullName } } } }`;

async function looksIn({ store }: TestGateway): Promise<readonly string[]> {
  expect(await store.audit.verify(null)).toMatchObject({ ok: true });
  const { rows } = await store.read.auditEntries({ action: ['PROFILE_READ'] }, { first: 100 });
  return rows.map(({ row }) => `${row.actor} ${row.subject} ${row.reason}`).sort();
}

/** Subscribes on a separate connection. @returns the names that were shown, in order of arrival. */
async function follow(gateway: TestGateway, credential: string, reason: string) {
  const names: unknown[] = [];
  const client = createClient({
    url: gateway.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${credential}` },
    retryAttempts: 0,
    lazy: false,
  });
  disposal.defer(() => client.dispose());
  await new Promise((resolve) => client.on('connected', resolve));
  client.subscribe<{ statusChanged: { user: { profile: { fullName: string } | null } } }>(
    { query: WATCH, variables: { reason } },
    {
      next: ({ data }) => names.push(data?.statusChanged.user.profile?.fullName),
      error() {},
      complete() {},
    },
  );
  return names;
}

it('names an operator for every act, and shows it to who may read the log', async () => {
  const gateway = await startWithTwo(disposal);
  await gateway.ask('mutation { createUser(input: { externalUserId: "eve" }) { created } }');
  const { key } = await gateway.createKey('audit:read');
  const query = '{ auditLog(first: 2) { nodes { action actor subject } } }';
  const { data } = await gateway.ask(query, {}, key);
  expect(data.auditLog.nodes).toEqual([
    { action: 'API_KEY_CREATED', actor: 'test', subject: 'ApiKey:1' },
    { action: 'USER_CREATED', actor: 'ApiKey:bootstrap', subject: 'User:5' },
  ]);
});

it('has an entry for each time that the same query is answered', async () => {
  const gateway = await startWithTwo(disposal);
  for (let round = 0; round < 4; round += 1) {
    const { data } = await gateway.ask(PROFILE);
    expect(data.user.profile.fullName).toBe('Name of ada');
  }
  const ada = await gateway.store.read.userByExternalId('ada');
  const entry = `ApiKey:bootstrap User:${ada?.id} x`;
  expect(await looksIn(gateway)).toEqual([entry, entry, entry, entry]);
});

it('names each of those who are pushed the same, with the reason of each', async () => {
  const gateway = await startWithTwo(disposal);
  const first = await gateway.createKey('read', 'pii:read');
  const second = await gateway.createKey('read', 'pii:read');
  const shown = await Promise.all([
    follow(gateway, first.key, 'one'),
    follow(gateway, second.key, 'one'),
    follow(gateway, second.key, 'two'),
  ]);
  // A subscription opens with a delay. After its first change, a subscriber receives all later ones.
  let tick = 10;
  await until(async () => {
    tick += 1;
    const words = tick % 2 === 0 ? {} : GREEN;
    await gateway.post(
      'sumsub',
      about('ada', tick % 2 ? 'applicantReviewed' : 'applicantReset', tick, words),
    );
    return shown.every((names) => names.length > 0);
  });
  await gateway.post('sumsub', about('ben', 'applicantReset', 100));
  await until(() => shown.every((names) => names.includes('Name of ben')));

  const ben = await gateway.store.read.userByExternalId('ben');
  const ofBen = (await looksIn(gateway)).filter((look) => look.includes(` User:${ben?.id} `));
  expect(new Set(ofBen)).toEqual(
    new Set([
      `ApiKey:1 key of ${first.prefix} User:${ben?.id} one`,
      `ApiKey:2 key of ${second.prefix} User:${ben?.id} one`,
      `ApiKey:2 key of ${second.prefix} User:${ben?.id} two`,
    ]),
  );
});

it('is one sound chain while webhooks come in and many look at once', async () => {
  const gateway = await startWithTwo(disposal);
  const posts = Array.from({ length: 150 }, (_, index) =>
    gateway.post('sumsub', about(`user-${index}`, 'applicantPending', 10 + index)),
  );
  const looks = Array.from({ length: 40 }, () => gateway.ask(PROFILE, {}, API_KEY));
  const replies = await Promise.all(posts);
  const answers = await Promise.all(looks);
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  for (const { data } of answers) expect(data.user.profile.fullName).toBe('Name of ada');
  expect(await looksIn(gateway)).toHaveLength(40);
});
