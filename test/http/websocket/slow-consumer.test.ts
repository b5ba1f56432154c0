/**
 * The two known ways in which a subscriber could exhaust the memory of the process: to stop reading, and to be slow during a burst
 * of changes. Both are tested for subscriptions alone and in a group.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLService } from '../../../src/graphql/service';
import { UNOBSERVED } from '../../../src/http/io/observer';
import type { SocketLimits } from '../../../src/http/limits/limits';
import { GOOD_KEY, OTHER_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { createMemoryLog } from '../../support/memory-log';
import { connectClient, type RawClient } from '../../support/raw-ws';
import { startServer } from '../../support/start-server';
import { createToy } from '../../support/toy-graphql';
import { until } from '../../support/until';

const disposal = createDisposal();
const KIB = 1024;
const CLOSED = 'closed slow consumer';
/** Exceeds the socket buffers of both sides. */
const MOST_IN_FLIGHT_BYTES = 16 * KIB * KIB;

type ViewOf = GraphQLService['getViewKey'];

const WAYS: readonly (readonly [string, ViewOf])[] = [
  ['alone', () => null],
  ['shared', (principal) => (principal.kind === 'API_KEY' ? principal.name : null)],
];

async function start(limits: Partial<SocketLimits>, viewOf: ViewOf = () => null) {
  const toy = createToy(disposal, createMemoryLog(), viewOf);
  const { log, lines } = createRecordedLog();
  let closed = 0;
  const slowConsumer = () => {
    closed += 1;
  };
  const observer = { ...UNOBSERVED, slowConsumer };
  const options = { graphql: toy.service, log, observer, limits: { sockets: limits } };
  const started = await startServer(disposal, options);
  const isClosed = () => lines.some(({ msg }) => msg === CLOSED);
  return { ...started, toy, lines, isClosed, closed: () => closed };
}

function subscribe(client: RawClient, bytes: number, after: string | null = null): void {
  const query = `subscription ($after: String) { statusChanged(after: $after) { seq padding(bytes: ${bytes}) } }`;
  client.send({ id: 's', type: 'subscribe', payload: { query, variables: { after } } });
}

interface Item {
  readonly data: { readonly statusChanged: { readonly seq: number } };
}

const itemsOf = ({ messages }: RawClient) => messages.filter(({ type }) => type === 'next');
const seqsOf = (client: RawClient) =>
  itemsOf(client).map(({ payload }) => (payload as Item).data.statusChanged.seq);

const range = (to: number) => Array.from({ length: to }, (_, index) => index + 1);

describe.each(WAYS)('a client that stops reading while items of 16 KiB flow, %s', (_, viewOf) => {
  it('is closed with SLOW_CONSUMER, and does not affect other clients', async () => {
    const limits = { stalledAfterMs: 2_000, closeGraceMs: 60_000 };
    const { toy, wsUrl, isClosed, closed } = await start(limits, viewOf);
    const stalled = await connectClient(disposal, wsUrl, OTHER_KEY);
    const reading = await connectClient(disposal, wsUrl, GOOD_KEY);
    subscribe(stalled, 16 * KIB);
    subscribe(reading, 16 * KIB);
    await until(() => toy.held.subscriptions === 2);
    stalled.socket.pause();

    toy.commit(3000);
    await reading.receive(3000, 'next');
    expect(seqsOf(reading)).toEqual(range(3000));
    await until(isClosed);
    expect(closed()).toBe(1);
    const made = toy.made.get(OTHER_KEY) ?? 0;
    expect(made * 16 * KIB).toBeLessThan(MOST_IN_FLIGHT_BYTES);

    stalled.socket.resume();
    const { code, reason } = await stalled.closed;
    expect(code).toBe(1013);
    expect(reason).toMatch(/^SLOW_CONSUMER/);
    expect(seqsOf(stalled)).toEqual(range(seqsOf(stalled).length)); // in order
    expect(seqsOf(stalled).length).toBeGreaterThan(0);
    await until(() => toy.held.subscriptions === 1);
  });

  it('is terminated if it does not read the close frame', async () => {
    const { toy, wsUrl } = await start({ stalledAfterMs: 100, closeGraceMs: 100 }, viewOf);
    const stalled = await connectClient(disposal, wsUrl, OTHER_KEY);
    subscribe(stalled, 16 * KIB);
    await until(() => toy.held.subscriptions === 1);
    stalled.socket.pause();
    toy.commit(3000);
    await until(() => toy.held.subscriptions === 0);
    stalled.socket.resume();
    await stalled.closed;
    expect(seqsOf(stalled)).toEqual(range(seqsOf(stalled).length));
  });

  it('cannot fill the memory with responses to its pings', async () => {
    const limits = { stalledAfterMs: 500, closeGraceMs: 100, messagesPerSecond: 1e9 };
    const { wsUrl, lines } = await start(limits);
    const flood = await connectClient(disposal, wsUrl, OTHER_KEY);
    flood.socket.pause();
    const ping = JSON.stringify({ type: 'ping', payload: { pad: 'x'.repeat(60 * KIB) } });
    const flooding = setInterval(() => {
      for (let count = 0; count < 50; count += 1) flood.socket.send(ping);
    }, 1);
    disposal.defer(() => clearInterval(flooding));
    const closing = () => lines.find(({ msg }) => msg === CLOSED);
    await until(() => closing() !== undefined);
    expect(closing()?.bufferedBytes).toBeLessThan(MOST_IN_FLIGHT_BYTES / 8);
  });
});

describe.each(WAYS)('a client that stops reading with a hundred subscriptions, %s', (_, viewOf) => {
  it('gets few large items computed in advance, and the rest once it reads', async () => {
    const bytes = 256 * KIB;
    const { toy, wsUrl } = await start({ stalledAfterMs: 60_000 }, viewOf);
    const stalled = await connectClient(disposal, wsUrl, OTHER_KEY);
    const query = `subscription { statusChanged { seq padding(bytes: ${bytes}) } }`;
    for (let id = 0; id < 100; id += 1) {
      stalled.send({ id: `${id}`, type: 'subscribe', payload: { query } });
    }
    stalled.send({ type: 'ping' });
    await stalled.receive(1, 'pong');
    const reading = await connectClient(disposal, wsUrl, GOOD_KEY);
    subscribe(reading, 1);
    await until(() => toy.feed.stats().subscriptions === 101);
    await until(() => toy.feed.stats().behind === 0);
    stalled.socket.pause();

    toy.commit(4);
    await reading.receive(4, 'next');
    const made = toy.made.get(OTHER_KEY) ?? 0;
    expect(made * bytes).toBeLessThan(MOST_IN_FLIGHT_BYTES);

    stalled.socket.resume();
    await stalled.receive(400, 'next');
    for (let id = 0; id < 100; id += 1) {
      const own = itemsOf(stalled).filter((item) => item.id === `${id}`);
      expect(own.map(({ payload }) => (payload as Item).data.statusChanged.seq)).toEqual(range(4));
    }
  });
});

describe.each(WAYS)('5,000 changes committed in one burst, %s', (_, viewOf) => {
  it('reach a fast and a slow client in order, with bounded memory', async () => {
    const bytes = 4 * KIB;
    const { toy, wsUrl } = await start({ stalledAfterMs: 60_000 }, viewOf);
    const slow = await connectClient(disposal, wsUrl, OTHER_KEY);
    const fast = await connectClient(disposal, wsUrl, GOOD_KEY);
    subscribe(slow, bytes);
    subscribe(fast, bytes);
    await until(() => toy.held.subscriptions === 2);
    slow.socket.pause();

    toy.commit(5000);
    await fast.receive(5000, 'next');
    expect(seqsOf(fast)).toEqual(range(5000));
    expect((toy.made.get(OTHER_KEY) ?? 0) * bytes).toBeLessThan(MOST_IN_FLIGHT_BYTES);

    while (itemsOf(slow).length < 5000) {
      slow.socket.resume();
      await sleep(10);
      slow.socket.pause();
      await sleep(5);
    }
    expect(seqsOf(slow)).toEqual(range(5000));
  });
});
