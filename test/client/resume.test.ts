import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { encodeCursor, LOG_START } from '../../src/domain/cursor';
import { iterateFromCursor, type Result, subscribeFromCursor } from '../../src/index';
import { GOOD_KEY } from '../support/credentials';
import { createDisposal } from '../support/disposal';
import { createMemoryLog } from '../support/memory-log';
import { startServer } from '../support/start-server';
import { createToy, LOG_ID, type Toy } from '../support/toy-graphql';
import { until } from '../support/until';

const disposal = createDisposal();

interface Item {
  readonly statusChanged: { readonly seq: number; readonly cursor: string };
}

const query = 'subscription ($after: String) { statusChanged(after: $after) { seq cursor } }';
const fromStart = { query, variables: { after: encodeCursor(LOG_ID, LOG_START) } };
const range = (to: number) => Array.from({ length: to }, (_, index) => index + 1);

/** The `graphql-ws` client without reconnect delay. `cut` breaks its connection like a network failure. */
function connect(wsUrl: string): { readonly client: Client; cut(): void } {
  let socket: WebSocket | undefined;
  const client = createClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { apiKey: GOOD_KEY },
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: () => sleep(5),
    shouldRetry: () => true,
    on: {
      opened(opened) {
        if (opened instanceof WebSocket) socket = opened;
      },
    },
  });
  disposal.defer(() => client.dispose()?.catch(() => {})); // it may be reconnecting
  return { client, cut: () => socket?.terminate() };
}

function collect() {
  const seqs: number[] = [];
  const ends: unknown[] = [];
  return {
    seqs,
    ends,
    next: ({ data }: Result<Item>) => void (data && seqs.push(data.statusChanged.seq)),
    error: (error: unknown) => void ends.push(error),
    complete: () => void ends.push('complete'),
  };
}

async function start(toy: Toy, port = 0) {
  return startServer(disposal, { graphql: toy.service, port });
}

describe('subscribeFromCursor with the graphql-ws client', () => {
  it('loses and repeats no item when connections break', async () => {
    const toy = createToy(disposal);
    const { wsUrl } = await start(toy);
    const { client, cut } = connect(wsUrl);
    const sink = collect();
    disposal.defer(subscribeFromCursor<Item>(client, fromStart, sink));
    for (let round = 1; round <= 10; round += 1) {
      toy.commit(20);
      await until(() => sink.seqs.length >= 20 * (round - 1) + 10);
      cut();
      toy.commit(5); // no client is connected
      toy.commit(5);
      await until(() => sink.seqs.length >= 30 * round - 10);
    }
    await until(() => sink.seqs.length >= toy.log.entries.length);
    expect(sink.seqs).toEqual(range(300));
    expect(sink.ends).toEqual([]);
  });

  it('continues after a restart of the gateway', async () => {
    const log = createMemoryLog();
    const before = createToy(disposal, log);
    const { wsUrl, port, server } = await start(before);
    const { client } = connect(wsUrl);
    const sink = collect();
    disposal.defer(subscribeFromCursor<Item>(client, fromStart, sink));
    before.commit(10);
    await until(() => sink.seqs.length === 10);
    await server.close();
    await before.feed.stop();
    before.commit(10);
    const after = createToy(disposal, log);
    await start(after, port);
    after.commit(10);
    await until(() => sink.seqs.length >= 30);
    expect(sink.seqs).toEqual(range(30));
  });

  it('passes CURSOR_EXPIRED to the sink', async () => {
    const toy = createToy(disposal);
    toy.commit(10);
    toy.log.trim(5);
    const { wsUrl } = await start(toy);
    const sink = collect();
    subscribeFromCursor<Item>(connect(wsUrl).client, fromStart, sink);
    await until(() => sink.ends.length === 1);
    expect(sink.ends[0]).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
    expect(sink.seqs).toEqual([]);
  });

  it('ends on unsubscribe', async () => {
    const toy = createToy(disposal);
    const { wsUrl } = await start(toy);
    const sink = collect();
    const stop = subscribeFromCursor<Item>(connect(wsUrl).client, fromStart, sink);
    toy.commit(1);
    await until(() => sink.seqs.length === 1);
    stop();
    await until(() => sink.ends.length === 1);
    expect(sink.ends).toEqual(['complete']);
    await until(() => toy.held.subscriptions === 0);
  });

  it('finds the cursor with `cursorOf`', async () => {
    const toy = createToy(disposal);
    const { wsUrl } = await start(toy);
    const { client, cut } = connect(wsUrl);
    const seqs: number[] = [];
    const aliased =
      'subscription ($after: String) { change: statusChanged(after: $after) { seq at: cursor } }';
    type Aliased = { change: { seq: number; at: string } };
    disposal.defer(
      subscribeFromCursor<Aliased>(
        client,
        { ...fromStart, query: aliased },
        {
          next: ({ data }) => void (data && seqs.push(data.change.seq)),
          error: () => {},
          complete: () => {},
        },
        { cursorOf: ({ data }) => data?.change.at },
      ),
    );
    toy.commit(3);
    await until(() => seqs.length === 3);
    cut();
    toy.commit(3);
    await until(() => seqs.length >= 6);
    expect(seqs).toEqual(range(6));
  });

  it('does not modify the request', async () => {
    const toy = createToy(disposal);
    const { wsUrl } = await start(toy);
    const sink = collect();
    const request = { query, variables: { after: encodeCursor(LOG_ID, LOG_START) } };
    const copy = structuredClone(request);
    disposal.defer(subscribeFromCursor<Item>(connect(wsUrl).client, request, sink));
    toy.commit(3);
    await until(() => sink.seqs.length === 3);
    expect(request).toEqual(copy);
  });
});

describe('iterateFromCursor', () => {
  it('loses and repeats no item with a slow reader', async () => {
    const toy = createToy(disposal);
    const { wsUrl } = await start(toy);
    const { client, cut } = connect(wsUrl);
    const seqs: number[] = [];
    toy.commit(10);
    for await (const { data } of iterateFromCursor<Item>(client, fromStart)) {
      seqs.push(data?.statusChanged.seq ?? 0);
      if (seqs.length % 10 === 0) {
        cut();
        toy.commit(10);
      }
      if (seqs.length === 50) break;
    }
    expect(seqs).toEqual(range(50));
    await until(() => toy.held.subscriptions === 0);
  });

  it('throws the error that a sink would receive', async () => {
    const toy = createToy(disposal);
    toy.commit(10);
    toy.log.trim(5);
    const { wsUrl } = await start(toy);
    const items = iterateFromCursor<Item>(connect(wsUrl).client, fromStart);
    await expect(items.next()).rejects.toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
  });

  it('ends a pending read', async () => {
    const toy = createToy(disposal);
    const { wsUrl } = await start(toy);
    const items = iterateFromCursor<Item>(connect(wsUrl).client, fromStart);
    const next = items.next();
    await until(() => toy.held.subscriptions === 1);
    await items.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
