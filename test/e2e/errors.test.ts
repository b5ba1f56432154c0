/** No error reveals internals. */

import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { connectClient, openRaw } from '../support/raw-ws';
import { follow } from './support/follower';
import { API_KEY, codesOf, startGateway, type TestGateway } from './support/gateway';
import { about, GREEN } from './support/messages';
import { NAMES } from './support/operations';
import { askOverSocket } from './support/query-over-socket';
import { logOf } from './support/state';

const disposal = createDisposal();

/** Statements, tables, files, places in the code. */
const INTERNALS =
  /SELECT|INSERT|SQLITE|sqlite|typeorm|QueryFailed|(?<!The )database|\.ts\b|\.js\b|node_modules|\/(tmp|work|home|src|dist)\/|\bat .+:\d+/;

describe('while the store is unavailable', () => {
  it.each([
    ['one user', '{ user(externalUserId: "ada") { id } }'],
    [
      'a page of users',
      '{ users { totalCount nodes { id profile(reason: "test") { fullName } } } }',
    ],
    ['the log', '{ cursor statusChanges { nodes { id } } }'],
    ['deliveries', '{ webhookDeliveries { nodes { rawBody(reason: "test") } } }'],
    ['a new user', 'mutation { createUser(input: { externalUserId: "x" }) { created } }'],
    ['a replay', 'mutation { replayDeliveries(input: { provider: P100 }) { deliveries } }'],
  ])('%s is rejected without internals, over HTTP and WebSocket', async (_, query) => {
    const gateway = await startGateway(disposal);
    await gateway.store.close();

    const overHttp = await gateway.ask(query);
    const overSocket = await askOverSocket(disposal, gateway, query).catch(closeCodeOf);

    expect(overHttp.status).toBe(503);
    expect(codesOf(overHttp)).toEqual(['STORE_UNAVAILABLE']);
    expect([overHttp.text, JSON.stringify(overSocket)].join()).not.toMatch(INTERNALS);
  });

  it('does not reject a key that it cannot look up as invalid', async () => {
    const gateway = await startGateway(disposal);
    const { key } = await gateway.createKey('read');
    await gateway.store.close();

    const answer = await gateway.ask(NAMES, {}, key);
    const socket = await openRaw(disposal, gateway.wsUrl);
    socket.send({ type: 'connection_init', payload: { authorization: key } });

    expect(answer.status).toBe(503);
    expect(answer.text).not.toMatch(INTERNALS);
    expect((await socket.closed).code).toBe(1013);
    expect((await socket.closed).reason).not.toMatch(INTERNALS);
  });

  it('a subscription continues after the store is back, and the process survives', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    const follower = follow(disposal, () => gateway.wsUrl, { after: cursorBefore(gateway) });
    await follower.receive(1);

    await gateway.store.close();
    const answers = await Promise.all(
      ['/healthz', '/readyz'].map((path) => fetch(gateway.url + path)),
    );
    await gateway.restart();
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 2, GREEN));

    expect(answers.map(({ status }) => status)).toEqual([200, 503]);
    await follower.receive(2);
    expect(follower.entries).toEqual(await logOf(gateway));
  });
});

/** The position before the first entry of the log. */
function cursorBefore(gateway: TestGateway): string {
  return Buffer.from(`${gateway.store.logId}:0`).toString('base64url');
}

function closeCodeOf(event: unknown): unknown {
  const { code } = Object(event);
  expect(code).toBe(1013);
  return code;
}

it.each([
  ['syntax', '{ users('],
  ['a field that there is not', '{ secrets }'],
  ['a variable of the wrong type', 'query ($id: ID!) { node(id: $id) { id } }'],
  ['a malformed ID', '{ node(id: "\'; DROP TABLE users; --") { id } }'],
  ['an ID of another type', '{ user(id: "Zm9v") { id } }'],
  ['a page too large', '{ users(first: 1000) { nodes { id } } }'],
  ['a malformed cursor', '{ users(after: "\' OR 1=1") { nodes { id } } }'],
  ['two ends at once', '{ users(first: 1, last: 1) { nodes { id } } }'],
  ['no argument', '{ user { id } }'],
  ['NUL in an id of a customer', '{ user(externalUserId: "a\\u0000b") { id } }'],
  ['NUL in an account', '{ user(identity: { provider: SUMSUB, ref: "a\\u0000b" }) { id } }'],
  ['NUL in a filter', '{ users(filter: { externalUserId: "a\\u0000b" }) { nodes { id } } }'],
  [
    'a level with NUL',
    '{ verificationAttempts(filter: { level: "sumsub/\\u0000" }) { totalCount } }',
  ],
  ['a misspelt enum value', '{ levels(provider: SUMSUBB) { key } }'],
])('reports %s without internals', async (_, query) => {
  const { log, lines } = createRecordedLog();
  const gateway = await startGateway(disposal, { log });

  const overHttp = await gateway.ask(query);
  const overSocket = await askOverSocket(disposal, gateway, query);

  expect(overHttp.text).not.toMatch(INTERNALS);
  expect(codesOf(overHttp)).toEqual(codesOf(overSocket));
  expect(codesOf(overHttp)).not.toContain('INTERNAL');
  expect(overHttp.status).toBeLessThan(500);
  expect(faultsIn(lines)).toEqual([]);
});

// Regression: on PostgreSQL such a filter failed in the database, again and again, for as long as the socket was open.
it.each([
  ['NUL in a level', { level: 'sumsub/x\0' }],
  ['half a surrogate pair', { externalUserId: '\ud800' }],
  ['a level of no provider', { level: 'no-such-provider/x' }],
  ['a level that is too long', { level: `sumsub/${'x'.repeat(600)}` }],
])('refuses a subscription with %s when it is opened', async (_, filter) => {
  const { log, lines } = createRecordedLog();
  const gateway = await startGateway(disposal, { log });
  const query =
    'subscription ($filter: StatusChangeFilter, $after: String) { statusChanged(filter: $filter, after: $after) { id } }';
  const variables = { filter, after: cursorBefore(gateway) };
  const client = await connectClient(disposal, gateway.wsUrl, API_KEY);
  const ids = ['1', '2', '3'];
  for (const id of ids) client.send({ id, type: 'subscribe', payload: { query, variables } });
  const refusals = await client.receive(ids.length, 'error');
  expect(refusals.map(({ id }) => id)).toEqual(ids);
  for (const { payload } of refusals)
    expect(codesOf({ errors: payload } as never)).toEqual(['BAD_USER_INPUT']);
  expect(faultsIn(lines)).toEqual([]);
});

function faultsIn(lines: readonly object[]): readonly object[] {
  return lines.filter(
    (line) => 'level' in line && ['error', 'fatal', 50, 60].includes(line.level as never),
  );
}
