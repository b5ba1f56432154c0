/** Slow clients: one that does not read, or sends byte by byte, is disconnected and does not delay others. */

import { API_KEY, type TestGateway } from '../e2e/support/gateway';
import { about } from '../e2e/support/messages';
import { readMetrics } from '../e2e/support/metrics';
import { createDisposal } from '../support/disposal';
import { connectRaw } from '../support/raw-http';
import { connectClient } from '../support/raw-ws';
import { until } from '../support/until';
import { bytesInUse, startTarget } from './target';

const disposal = createDisposal();

const CHANGES = 70;
/** Changes committed while one client does not read. */
const LATER_CHANGES = 10;
const STREAMS = 90;
/** Exceeds the buffers of both sides, but is less than the items for the client that does not read. */
const MOST_HELD = 40 * 1024 * 1024;

/** About ten kilobytes per change, mostly field aliases. */
const LONG = `subscription ($after: String) { statusChanged(after: $after) { ${Array.from(
  { length: 40 },
  (_, index) => `${'a'.repeat(250)}${index}: cursor`,
).join(' ')} } }`;

async function commit(gateway: TestGateway, from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index += 1) {
    const type = index % 2 ? 'applicantOnHold' : 'applicantPending';
    const { kept } = await gateway.post('sumsub', about('ada', type, index));
    expect(kept?.disposition).toBe('APPLIED');
  }
}

/** Connects a client that does not read while thousands of items are pending, and another that reads. */
async function readAndStall(stalledAfterMs: number) {
  const gateway = await startTarget(disposal, {
    limits: { sockets: { stalledAfterMs, closeGraceMs: 200 } },
  });
  const { data } = await gateway.ask('{ cursor }');
  const variables = { after: data.cursor };
  await commit(gateway, 1, CHANGES - LATER_CHANGES);
  const before = bytesInUse();
  const stalled = await connectClient(disposal, gateway.wsUrl, API_KEY);
  stalled.socket.pause();
  for (let index = 0; index < STREAMS; index += 1) {
    stalled.send({ id: `s${index}`, type: 'subscribe', payload: { query: LONG, variables } });
  }
  const reading = await connectClient(disposal, gateway.wsUrl, API_KEY);
  const query = 'subscription ($after: String) { statusChanged(after: $after) { cursor } }';
  reading.send({ id: 'r', type: 'subscribe', payload: { query, variables } });

  await commit(gateway, CHANGES - LATER_CHANGES + 1, CHANGES);
  return { gateway, before, stalled, reading };
}

const NEVER_MS = 600_000;

it('a client that does not read uses little memory, and others get their items', async () => {
  const { gateway, before, reading } = await readAndStall(NEVER_MS);
  await until(async () => (await readMetrics(gateway)).get('kyc_subscriptions') === STREAMS + 1);

  expect(await reading.receive(CHANGES, 'next')).toHaveLength(CHANGES);
  await until(() => bytesInUse() - before < MOST_HELD); // the collector may be late
});

it('a client that does not read is disconnected, and others are not', async () => {
  const { gateway, stalled, reading } = await readAndStall(1_000);

  const closed = async () => (await readMetrics(gateway)).get('kyc_slow_consumers_closed_total');
  await until(async () => (await closed()) === 1);
  stalled.socket.resume();
  await stalled.closed;
  expect(stalled.messages.length).toBeLessThan(STREAMS * CHANGES);
  await reading.receive(CHANGES, 'next');
  await until(async () => (await readMetrics(gateway)).get('kyc_subscriptions') === 1);
});

it('hundreds of subscriptions completed at once are released', async () => {
  const gateway = await startTarget(disposal, {
    env: { OPERATIONS_PER_KEY: '20' },
    limits: { sockets: { messagesPerSecond: 100_000 } },
  });
  const client = await connectClient(disposal, gateway.wsUrl, API_KEY);
  const query = 'subscription { statusChanged { cursor } }';
  for (let index = 0; index < 1_000; index += 1) {
    client.send({ id: `s${index}`, type: 'subscribe', payload: { query } });
    client.send({ id: `s${index}`, type: 'complete' });
  }
  client.send({ type: 'ping' });
  await client.receive(1, 'pong');

  await until(async () => (await readMetrics(gateway)).get('kyc_subscriptions') === 0);
  await until(async () => (await gateway.ask('{ cursor }')).status === 200);
  client.send({ id: 'last', type: 'subscribe', payload: { query } });
  await until(async () => (await readMetrics(gateway)).get('kyc_subscriptions') === 1);
});

it.each([
  ['a webhook', 'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n', '{'],
  ['a query', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n', '{'],
  ['headers', 'POST /graphql HTTP/1.1\r\nHost: x\r\n', 'x-a: b\r\n'],
])('a client that sends %s byte by byte is disconnected', async (_, head, piece) => {
  const gateway = await startTarget(disposal, {
    limits: { http: { requestTimeoutMs: 500, headersTimeoutMs: 400 } },
  });
  const connection = connectRaw(disposal, gateway.port);
  connection.write(head);
  const dribbling = setInterval(() => connection.write(piece), 50);
  disposal.defer(() => clearInterval(dribbling));

  const answer = await connection.ended;

  clearInterval(dribbling);
  expect(answer).toMatch(/^HTTP\/1.1 4(08|01)/);
  expect((await gateway.ask('{ cursor }')).status).toBe(200);
});
