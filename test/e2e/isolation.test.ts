/**
 * For any operation of an end user, the response is byte for byte the same as if no other user existed. An API key without
 * `pii:read` never receives personal data.
 *
 * Two gateways store the same data of ada; one of them also stores other users. A difference can only come from them.
 */

import '../support/as-in-production';
import fc from 'fast-check';
import { createRandom, randomIndex } from '../../src/cli/simulation/random';
import { encodeCursor } from '../../src/domain/cursor';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';
import { fractalId, p100, paycaddy, sumsub } from '../store/provider-deliveries';
import { copyDatabase, createTestDatabase } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { connectClient, type RawClient } from '../support/raw-ws';
import { runCount } from '../support/run-count';
import { until } from '../support/until';
import { startGateway, type TestGateway, tokenFor } from './support/gateway';
import { GREEN } from './support/messages';
import { type Pools, type Probe, randomProbes } from './support/random-operations';
import type { Draw } from './support/random-query';

const disposal = createDisposal('all');
const SCHEMA = createSchema(PROVIDERS);
const NOW = new Date();
/** A document over a limit is rejected by both gateways. */
const LIMITS = {
  documents: {
    ...{ tokens: 9_000, fields: 5_000, aliases: 5_000, depth: 100 },
    cost: Number.POSITIVE_INFINITY,
  },
  sockets: { maxSubscriptionsPerConnection: 1_000, messagesPerSecond: 100_000 },
  quotas: { operationsPerUser: 10_000 },
};
const QUERIES = runCount(1_000, 200);
const SUBSCRIPTIONS = runCount(200, 60);
const BATCH = 20;
/** Number of variable sets per document. */
const SETS = 2;
const OTHERS = ['ben', 'cleo', 'dora'];

let alone: TestGateway;
let among: TestGateway;
let ada: string;
let reader: string;
/** Texts and numbers of ada and of the other users that a response could contain, without those that both have. */
let mine: readonly string[];
let theirs: readonly string[];
let pools: Pools;
/** Cursors of the log, ada's and others'. */
let positions: readonly string[];

beforeAll(async () => {
  const first = await createTestDatabase();
  const options = { clock: () => NOW, limits: LIMITS };
  const before = await startGateway(disposal, { ...options, env: { DATABASE_URL: first.url } });
  await settle(before, 'ada', 0);
  // Events of this account from before it was linked to ada.
  await settle(before, 'eve', 9);
  await link(before, 'PAYCADDY', 'card-of-eve', 'ada');
  await before.stop();
  const second = await copyDatabase(first);
  disposal.defer(first.drop);
  disposal.defer(second.drop);
  alone = await startGateway(disposal, { ...options, env: { DATABASE_URL: first.url } });
  among = await startGateway(disposal, { ...options, env: { DATABASE_URL: second.url } });
  for (const [index, name] of OTHERS.entries()) await settle(among, name, index + 1);
  await among.post('sumsub', 'unreadable');

  ada = await tokenFor('ada', { scope: 'pii:read', exp: NOW.getTime() / 1000 + 600 });
  reader = (await among.createKey('read')).key;
  const { data } = await among.ask(EVERYTHING);
  const { users, deliveries } = data;
  const isAda = ({ node }: UserEdge) => node.externalUserId === 'ada';
  mine = textsIn(users.edges.filter(isAda));
  const own = new Set(mine);
  theirs = textsIn([users.edges.filter((edge: UserEdge) => !isAda(edge)), deliveries]).filter(
    (text) => !own.has(text),
  );
  pools = poolsOf(data);
  // A cursor ahead of the log of the first gateway is rejected there. It reveals only the number of changes, which is public.
  const held = new Set(poolsOf((await alone.ask(EVERYTHING)).data).after);
  const after =
    pools.after?.filter((cursor) => cursor.startsWith('page_') || held.has(cursor)) ?? [];
  pools = { ...pools, after: [...after, '?'] };
  const changes = (edge: UserEdge) => edge.node.statusChanges.edges;
  positions = users.edges.flatMap(changes).map(({ node }: ChangeEdge) => node.cursor);
}, 120_000);

it('what is looked for is there to be found', () => {
  expect(mine.length).toBeGreaterThan(30);
  expect(theirs.length).toBeGreaterThan(150);
  for (const text of ['ben', 'applicant-of-cleo', 'Name of dora', 'level-of-ben']) {
    expect(theirs).toContain(text);
  }
});

it(`${QUERIES} random queries are answered to ada as if she were alone`, async () => {
  const head = await headOf(among);
  const headAlone = await headOf(alone);
  let sound = 0;
  let telling = 0;
  let probing = 0;

  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const draw = drawsFrom(seed);
      const probes = Array.from({ length: BATCH / SETS }, () =>
        randomProbes(SCHEMA, 'query', pools, draw, SETS),
      ).flat();
      await Promise.all(
        probes.map(async (probe) => {
          const [said, saidAlone, shown] = await Promise.all([
            ask(among, ada, probe),
            ask(alone, ada, probe),
            draw(8) === 0 ? ask(among, reader, probe) : '',
          ]);
          const told = said.replaceAll(head, headAlone);
          expect({ probe, told }).toEqual({ probe, told: saidAlone });
          expect({ probe, leaks: foundIn(told) }).toEqual({ probe, leaks: [] });
          expect({ probe, personal: personalIn(shown) }).toEqual({ probe, personal: [] });
          expect([said, shown].filter((text) => text.includes('"INTERNAL"'))).toEqual([]);
          sound += Number(!said.includes('GRAPHQL_VALIDATION_FAILED'));
          telling += Number(mine.some((text) => said.includes(JSON.stringify(text))));
          const asked = JSON.stringify(probe);
          probing += Number(theirs.some((text) => asked.includes(text)));
        }),
      );
    }),
    { numRuns: QUERIES / BATCH, endOnFailure: true },
  );
  // Otherwise the random operations were mostly invalid, or did not touch other users.
  expect(sound).toBeGreaterThan(QUERIES * 0.85);
  expect(telling).toBeGreaterThan(QUERIES * 0.07);
  expect(probing).toBeGreaterThan(QUERIES * 0.15);
}, 600_000);

it(`${SUBSCRIPTIONS} random subscriptions send ada only her own changes, past and future`, async () => {
  const client = await connectClient(disposal, among.wsUrl, ada);
  const seed = Date.now();
  const about = { ...pools, after: positions };
  const draw = drawsFrom(seed);
  const reading = await connectClient(disposal, among.wsUrl, reader);
  for (let index = 0; index < SUBSCRIPTIONS; index += 1) {
    const [probe] = randomProbes(SCHEMA, 'subscription', about, draw, 1);
    if (probe === undefined) continue;
    const query = probe.query.replace(/\}\s*\}$/, ' owner: user { id } } }');
    client.send({ id: `s${index}`, type: 'subscribe', payload: { ...probe, query } });
    if (index % 5 === 0) reading.send({ id: `s${index}`, type: 'subscribe', payload: probe });
  }
  // From the head on, so that it does not matter when it is opened.
  const variables = { after: await headOf(among) };
  const query =
    'subscription ($after: String!) { statusChanged(after: $after) { owner: user { id } } }';
  for (const one of [client, reading]) {
    one.send({ id: 'all', type: 'subscribe', payload: { query, variables } });
    await answered(one);
  }

  for (const name of [...OTHERS, 'ada']) await again(among, name);
  await until(() => newsOf(client) >= 1 && newsOf(reading) >= OTHERS.length + 1);
  for (const one of [client, reading]) await answered(one);

  const told = client.messages.filter(({ id }) => id !== 'q').map((one) => JSON.stringify(one));
  const leaks = told.filter((frame) => foundIn(frame).length > 0);
  expect({ seed, leaks }).toEqual({ seed, leaks: [] });
  const owners = told.flatMap((frame) => [...frame.matchAll(/"owner":\{"id":"([^"]+)"/g)]);
  expect(owners.length).toBeGreaterThan(SUBSCRIPTIONS / 10);
  expect(new Set(owners.map(([, id]) => id)).size).toBe(1);
  const shown = reading.messages.map((one) => JSON.stringify(one));
  expect(shown.filter((frame) => personalIn(frame).length > 0)).toEqual([]);
}, 120_000);

interface UserEdge {
  readonly node: {
    readonly externalUserId: string | null;
    readonly statusChanges: { readonly edges: readonly ChangeEdge[] };
  };
}

interface ChangeEdge {
  readonly node: { readonly cursor: string };
}

/** Names, email addresses, and texts that only raw bodies contain. */
const PERSONAL = [
  ...['ada', ...OTHERS].flatMap((name) => [`Name of ${name}`, `${name}@example.com`]),
  'correlationId',
];

/** Texts of other users in a response to ada. */
function foundIn(answer: string): readonly string[] {
  return theirs.filter((text) => answer.includes(JSON.stringify(text)));
}

function personalIn(answer: string): readonly string[] {
  return PERSONAL.filter((text) => answer.includes(text));
}

/** A sequence of numbers that is the same for the same seed. */
function drawsFrom(seed: number): Draw {
  const random = createRandom(seed);
  return (count) => randomIndex(random, count);
}

/** Creates a user with accounts at every provider, common levels and one level of its own. */
async function settle(gateway: TestGateway, name: string, index: number): Promise<void> {
  const about = { applicantId: `applicant-of-${name}`, externalUserId: name };
  const red = {
    reviewAnswer: 'RED',
    reviewRejectType: 'RETRY',
    rejectLabels: [`LABEL_OF_${index}`],
  };
  const levelName = `level-of-${name}`;
  await gateway.post('sumsub', sumsub('applicantCreated', about, index * 10));
  await gateway.post('sumsub', sumsub('applicantPending', about, index * 10 + 1));
  await gateway.post('sumsub', sumsub('applicantReviewed', { ...about, ...GREEN }, index * 10 + 2));
  const second = { ...about, applicantId: `second-of-${name}`, levelName };
  const review = { ...second, reviewStatus: 'completed', reviewResult: red };
  await gateway.post('sumsub', sumsub('applicantReviewed', review, index * 10 + 3));
  const card = { ...paycaddy('rejected', `card-of-${name}`, index), age: String(30 + index) };
  await gateway.post('paycaddy', { ...card, fullName: `Name of ${name}` });
  await gateway.post('p100', p100(name, 'NOT_VERIFIED', 'REJECTED_BY_PROVIDER'));
  await gateway.post(
    'fractal-id',
    fractalId('verification_approved', 'basic+liveness', `fid-of-${name}`, index),
  );
  await gateway.post(
    'fractal-id',
    fractalId('verification_contacted', 'plus', `loose-of-${name}`, index),
  );
  await gateway.post('fractal-id', {
    type: 'credential_shared',
    data: {
      level: 'basic',
      user_id: `fid-of-${name}`,
      credential_id: `credential-of-${name}`,
      timestamp: '2024-01-01T00:00:00Z',
    },
  });
  await gateway.post('fractal-id', {
    type: 'email_changed',
    data: { user_id: `fid-of-${name}`, email: `${name}@example.com` },
  });
  await link(gateway, 'PAYCADDY', `card-of-${name}`, name);
  await link(gateway, 'FRACTAL_ID', `fid-of-${name}`, name);
}

async function link(gateway: TestGateway, provider: string, ref: string, name: string) {
  const { errors } = await gateway.ask(
    `mutation { linkIdentity(input: { identity: { provider: ${provider}, ref: "${ref}" }, externalUserId: "${name}" }) { user { id } } }`,
  );
  expect(errors).toBeUndefined();
}

/** Sends a further event of an existing user. */
async function again(gateway: TestGateway, name: string): Promise<void> {
  const about = { applicantId: `applicant-of-${name}`, externalUserId: name };
  const { kept } = await gateway.post('sumsub', sumsub('applicantPending', about, 500));
  expect(kept?.disposition).toBe('APPLIED');
}

async function ask(gateway: TestGateway, credential: string, probe: Probe): Promise<string> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
    body: JSON.stringify(probe),
  });
  return response.text();
}

function newsOf({ messages }: RawClient): number {
  return messages.filter(({ id, type }) => id === 'all' && type === 'next').length;
}

/** Resolves when a question that comes after all that was sent before is answered. */
async function answered(client: RawClient): Promise<void> {
  const answers = () => client.messages.filter(({ id, type }) => id === 'q' && type === 'complete');
  const before = answers().length;
  client.send({ id: 'q', type: 'subscribe', payload: { query: '{ cursor }' } });
  await until(() => answers().length > before);
}

async function headOf({ store }: TestGateway): Promise<string> {
  return encodeCursor(store.logId, (await store.read.logState()).head);
}

const EVERYTHING = `{
  users: users(first: 100) {
    edges {
      cursor
      node {
        id externalUserId createdAt
        identities { id ref externalUserId }
        credentials { id credentialRef holderRef }
        profile(reason: "a check") { fullName age email }
        levels { level { key name } }
        attempts(first: 100) {
          edges { cursor node { id level { key } rejection { reasons { providerCode message } } } }
        }
        statusChanges(first: 100) { edges { cursor node { id cursor cause { mergedUserId } } } }
      }
    }
  }
  attempts: verificationAttempts(first: 100) { edges { cursor node { id user { externalUserId } } } }
  deliveries: webhookDeliveries(first: 100) { edges { cursor node { id rawBody reason } } }
}`;

/** Every text in an answer that is long enough to mean something. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.length > 2 ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(textsIn))];
}

function poolsOf(data: unknown): Pools {
  const under =
    (name: string) =>
    (value: unknown): readonly string[] =>
      typeof value !== 'object' || value === null
        ? []
        : Object.entries(value).flatMap(([key, one]) =>
            key === name && typeof one === 'string' ? [one] : under(name)(one),
          );
  const all = (name: string) => [...new Set(under(name)(data))];
  return {
    ID: [...all('id'), 'VXNlcjo5OTk5', '?'],
    after: [...all('cursor'), '?'],
    before: all('cursor'),
    externalUserId: [...all('externalUserId'), 'nobody'],
    ref: all('ref'),
    level: [...all('key'), ...all('name')],
    DateTime: ['2000-01-01T00:00:00Z', NOW.toISOString(), '2099-01-01T00:00:00Z'],
    String: ['applicantReviewed', 'nothing'],
  };
}
