/**
 * Puts personal data into every possible field, including wrong ones. No log line and no error response may contain it. The
 * log runs at its finest level and redacts nothing by name here.
 */

import {
  type GraphQLInputType,
  type GraphQLNamedType,
  getNamedType,
  isInputObjectType,
  isLeafType,
  type OperationTypeNode,
} from 'graphql';
import { createKeyRing } from '../../src/encryption/key-ring';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';
import { fractalId, p100, paycaddy, sumsub } from '../store/provider-deliveries';
import { change, query } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import type { ProviderName } from '../support/sign';
import { type Answer, API_KEY, startGateway, type TestGateway, tokenFor } from './support/gateway';
import { about, GREEN } from './support/messages';
import { askOverSocket } from './support/query-over-socket';

const disposal = createDisposal();
const SCHEMA = createSchema(PROVIDERS);

/** In every personal value of these tests. */
const TAG = 'Quixentio';
const NAME = `Ada ${TAG}; "Öz" at "input"; x@${TAG}.example`;

async function start() {
  const { log, lines } = createRecordedLog();
  const gateway = await startGateway(disposal, { log });
  return { gateway, logged: () => JSON.stringify(lines) };
}

// ── Webhooks ────────────────────────────────────────────────────────────────────────────────────────────────────────

const MESSAGES: readonly (readonly [ProviderName, object])[] = [
  ['fractal-id', fractalId('verification_approved', 'basic', 'ada', 1)],
  ['fractal-id', { type: 'email_changed', data: { user_id: 'ada', email: 'ada@people.example' } }],
  ['sumsub', about('ada', 'applicantReviewed', 2, GREEN)],
  ['sumsub', sumsub('applicantWorkflowCompleted', GREEN, 3)],
  ['paycaddy', paycaddy('rejected', 'ada', 1)],
  ['p100', p100('ada', 'NOT_VERIFIED', 'REJECTED_BY_PROVIDER')],
];

/** Values of the wrong type or place. */
const MISPLACED: readonly unknown[] = [
  NAME,
  { [NAME]: NAME },
  [NAME],
  `2024-01-01T00:00:00Z ${NAME}`,
  NAME.repeat(1_000),
  `\ud800${NAME}\u0000`,
];

/** The message with one value after the other replaced, at any depth. */
function spoiltBy(message: object, value: unknown): readonly object[] {
  return Object.entries(message).flatMap(([name, held]) => [
    { ...message, [name]: value },
    ...(typeof held === 'object' && held !== null
      ? spoiltBy(held, value).map((inner) => ({ ...message, [name]: inner }))
      : []),
  ]);
}

function unreadable(message: object): readonly Buffer[] {
  const text = JSON.stringify({ ...message, fullName: NAME });
  return [
    text.slice(0, -1),
    `${text}${NAME}`,
    NAME,
    `{"${NAME}": ${NAME}}`,
    text.replace('{', `{"fullName":"${TAG}",`),
    text.replace('{', `{"__proto__":{"fullName":"${TAG}"},`),
    `${'['.repeat(50_000)}"${TAG}"`,
    JSON.stringify([message, NAME]),
  ]
    .map((body) => Buffer.from(body))
    .concat(Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xfe])]));
}

it('nothing of a malformed message, for any provider and field', async () => {
  const { gateway, logged } = await start();
  const answers: string[] = [];
  let posted = 0;
  for (const [vendor, message] of MESSAGES) {
    const bodies = [
      ...MISPLACED.flatMap((value) => spoiltBy(message, value)),
      ...unreadable(message),
      { ...message, more: NAME },
    ];
    const kept = await Promise.all(bodies.map((body) => gateway.post(vendor, body)));
    posted += kept.length;
    answers.push(...kept.map(({ text }) => text));
    expect(kept.filter(({ status }) => status !== 200)).toEqual([]);
  }
  expect(posted).toBeGreaterThan(250);
  const reasons = await query<{ reason: string }>(
    gateway.config.database,
    'SELECT reason FROM deliveries WHERE reason IS NOT NULL',
  );
  expect(reasons.length).toBeGreaterThan(50);

  const replayed = await gateway.ask(
    'mutation { replayDeliveries(input: { disposition: QUARANTINED }) { deliveries failed { code message } } }',
  );
  expect(replayed.errors).toBeUndefined();
  expect(logged()).not.toContain(TAG);
  expect([...answers, JSON.stringify(reasons), replayed.text].join()).not.toContain(TAG);
});

it('nothing of a message that proves nothing, or comes in a way that is not ours', async () => {
  const { gateway, logged } = await start();
  const encoded = encodeURIComponent(NAME);
  const body = JSON.stringify({ fullName: NAME });
  const attempts: (readonly [string, RequestInit])[] = [
    ...PROVIDERS.map(({ id }) => [`/webhooks/${id}`, {}] as const),
    ...PROVIDERS.map(({ id }) => [`/webhooks/${id}/${encoded}?name=${encoded}`, {}] as const),
    [`/webhooks/${encoded}`, {}],
    [`/${encoded}`, {}],
    ['/webhooks/sumsub', { headers: { 'x-payload-digest': TAG, 'x-payload-digest-alg': TAG } }],
    ['/webhooks/sumsub', { headers: { 'content-encoding': TAG } }],
    ['/webhooks/fractal-id', { headers: { 'x-fractal-signature': `sha1=${TAG}` } }],
    ['/webhooks/p100', { headers: { authorization: `Bearer ${TAG}` } }],
    ['/webhooks/paycaddy', { headers: { 'x-api-key': TAG } }],
    ['/webhooks/sumsub', { method: 'PUT' }],
    ['/webhooks/sumsub', { body: TAG.repeat(200_000) }],
    ['/metrics', { method: 'GET', body: null, headers: { authorization: `Bearer ${TAG}` } }],
  ];
  for (const [path, init] of attempts) {
    const answer = await fetch(gateway.url + path, { method: 'POST', body, ...init });
    expect([path, answer.status >= 400, await answer.text()]).toEqual([
      path,
      true,
      expect.not.stringContaining(TAG),
    ]);
  }
  expect(logged()).not.toContain(TAG);
});

// ── GraphQL ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Operation {
  readonly source: string;
  readonly variables: Record<string, unknown>;
}

/** Every argument of every root field, with personal data where it belongs and where it doesn't, in a variable and in the text. */
function operations(kind: `${OperationTypeNode}`): readonly Operation[] {
  const root = {
    query: SCHEMA.getQueryType(),
    mutation: SCHEMA.getMutationType(),
    subscription: SCHEMA.getSubscriptionType(),
  }[kind];
  return Object.values(root?.getFields() ?? {}).flatMap((field) => {
    const below = isLeafType(getNamedType(field.type)) ? '' : '{ __typename }';
    return field.args.flatMap((arg) => {
      const wrong = wrongValues(arg.type);
      return [
        ...wrong.map((value) => ({
          source: `${kind} ($it: ${arg.type}) { ${field.name}(${arg.name}: $it) ${below} }`,
          variables: { it: value },
        })),
        ...wrong.map((value) => ({
          source: `${kind} { ${field.name}(${arg.name}: ${literal(value)}) ${below} }`,
          variables: {},
        })),
      ];
    });
  });
}

function wrongValues(type: GraphQLInputType, depth = 0): readonly unknown[] {
  const named: GraphQLNamedType = getNamedType(type);
  const inside =
    isInputObjectType(named) && depth < 2
      ? Object.values(named.getFields()).flatMap((field) =>
          wrongValues(field.type, depth + 1).map((value) => ({ [field.name]: value })),
        )
      : [];
  return [NAME, [NAME], { name: NAME }, [[{ name: NAME }]], ...inside];
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, held]) => `${name}: ${literal(held)}`);
  return `{${fields.join(', ')}}`;
}

const MALFORMED = [
  `{ user(externalUserId: "${TAG}" `,
  `{ user(externalUserId: "${TAG}) { id } }`,
  `{ users(first: "${TAG}") "${TAG}" }`,
  `{ levels(provider: """${TAG}""") { key } }`,
  `query ($name: String = 7 "${TAG}") { __typename }`,
  `{ node(id: "${Buffer.from(`User:${TAG}`).toString('base64url')}") { id } }`,
  `{ statusChanges(after: "${Buffer.from(TAG).toString('base64url')}") { totalCount } }`,
];

/** All error texts of a response. */
function faultsOf({ errors, data }: Pick<Answer, 'errors' | 'data'>): string {
  const faults: unknown[] = [errors ?? []];
  JSON.stringify(data ?? null, (name, value) => {
    if (name === 'userErrors') faults.push(value);
    return value;
  });
  return JSON.stringify(faults);
}

it('nothing of an invalid operation, over HTTP and over WebSocket', async () => {
  const { gateway, logged } = await start();
  await gateway.post('sumsub', about('ada', 'applicantPending', 1));
  const asked = [
    ...operations('query'),
    ...operations('mutation'),
    ...operations('subscription'),
    ...MALFORMED.map((source) => ({ source, variables: {} })),
  ];
  const leaks: string[] = [];
  let refused = 0;
  for (const { source, variables } of asked) {
    const answer = await gateway.ask(source, variables);
    if (answer.errors) refused += 1;
    if (faultsOf(answer).includes(TAG)) leaks.push(faultsOf(answer));
  }
  for (const { source, variables } of asked.filter((_, index) => index % 7 === 0)) {
    if (source.startsWith('subscription')) continue; // a valid one continues
    const answer = await askOverSocket(disposal, gateway, source, variables);
    if (faultsOf(answer).includes(TAG)) leaks.push(faultsOf(answer));
  }
  expect(leaks).toEqual([]);
  expect(refused).toBeGreaterThan(100);
  expect(logged()).not.toContain(TAG);
});

it('nothing of malformed requests and credentials', async () => {
  const { gateway, logged } = await start();
  const good = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  const requests: RequestInit[] = [
    { body: `{"query": "${TAG}` },
    { body: TAG },
    { body: JSON.stringify([TAG]) },
    { body: JSON.stringify({ query: [TAG] }) },
    { body: JSON.stringify({ query: '{ __typename }', variables: NAME }) },
    { body: JSON.stringify({ query: '{ __typename }', operationName: TAG }) },
    { body: JSON.stringify({ query: '{ __typename }', extensions: { persistedQuery: TAG } }) },
    { headers: { ...good, 'content-type': `text/${TAG}` }, body: TAG },
    { headers: { ...good, authorization: TAG }, body: '{}' },
    { headers: { ...good, authorization: `Bearer ${TAG}` }, body: '{}' },
    {
      headers: { ...good, authorization: `Bearer ${await tokenFor(TAG, { aud: TAG })}` },
      body: '{}',
    },
    { headers: { ...good, origin: `https://${TAG}.example` }, body: '{}' },
  ];
  for (const request of requests) {
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: good,
      ...request,
    });
    expect(await answer.text()).not.toContain(TAG);
  }
  await askOverSocket(disposal, gateway, '{ __typename }', {}, TAG).catch(() => {});
  expect(logged()).not.toContain(TAG);
});

// ── What goes wrong inside ──────────────────────────────────────────────────────────────────────────────────────────

/** Puts what is no JSON in the place of every profile, under the key of its identity. */
async function spoilProfiles({ config }: TestGateway): Promise<void> {
  const { database } = config;
  const keyRing = createKeyRing(config.dataKeys);
  const keys = await query<{ id: number; dataKey: Buffer; dataKeyId: string }>(
    database,
    'SELECT identity_id AS id, data_key AS "dataKey", data_key_id AS "dataKeyId" FROM identity_keys',
  );
  for (const { id, ...wrapped } of keys) {
    const sealed = keyRing.unwrap(wrapped).encrypt(Buffer.from(TAG), 'event.personal');
    const bytes =
      database.kind === 'sqlite'
        ? `x'${sealed.toString('hex')}'`
        : `'\\x${sealed.toString('hex')}'`;
    await change(
      database,
      `UPDATE events SET personal = ${bytes} WHERE identity_id = ${id} AND personal IS NOT NULL`,
    );
  }
}

it('nothing of data that a fault of ours cannot read', async () => {
  const { gateway, logged } = await start();
  await gateway.post('paycaddy', { ...paycaddy('verified', 'ada', 1), fullName: NAME });
  await spoilProfiles(gateway);
  const profile = 'profile(reason: "a test") { fullName age email }';
  const sources = [
    `{ users { nodes { ${profile} } } }`,
    `{ webhookDeliveries { nodes { user { ${profile} } } } }`,
    `{ statusChanges { nodes { user { ${profile} } } } }`,
  ];
  for (const source of sources) {
    for (const answer of [
      await gateway.ask(source),
      await askOverSocket(disposal, gateway, source),
    ]) {
      expect(faultsOf(answer)).toContain('INTERNAL');
      expect(JSON.stringify(answer)).not.toContain(TAG);
    }
  }
  const { data } = await gateway.ask('{ statusChanges(first: 1) { nodes { cursor } } }');
  await gateway.post('paycaddy', { ...paycaddy('rejected', 'ada', 2), fullName: '-' });
  const pushed = await askOverSocket(
    disposal,
    gateway,
    `subscription ($after: String) { statusChanged(after: $after) { user { ${profile} } } }`,
    { after: data.statusChanges.nodes[0].cursor },
  );
  expect(faultsOf(pushed)).toContain('INTERNAL');
  const replayed = await gateway.ask(
    'mutation { replayDeliveries(input: { provider: PAYCADDY }) { failed { code message } } }',
  );
  expect(JSON.stringify([pushed, replayed])).not.toContain(TAG);
  expect(logged()).toContain('failed to execute operation');
  expect(logged()).not.toContain(TAG);
});
