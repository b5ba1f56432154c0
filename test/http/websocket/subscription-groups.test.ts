/** Sharing of executions between subscriptions, measured by their number. */

import { GOOD_KEY, OTHER_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { createMemoryLog } from '../../support/memory-log';
import { connectClient, type RawClient } from '../../support/raw-ws';
import { startServer } from '../../support/start-server';
import { createToy, LOG_ID, type Toy } from '../../support/toy-graphql';
import { until } from '../../support/until';

const disposal = createDisposal();

const QUERY = `subscription S($after: String, $bytes: Int! = 1) {
  statusChanged(after: $after) { seq padding(bytes: $bytes) } }`;
const OTHER_QUERY = 'subscription S($after: String) { statusChanged(after: $after) { seq } }';

interface Subscriber {
  readonly key?: string;
  readonly query?: string;
  readonly variables?: object;
}

async function start(...subscribers: readonly Subscriber[]) {
  const toy = createToy(disposal, createMemoryLog(), () => 'everything');
  const { wsUrl } = await startServer(disposal, { graphql: toy.service });
  const clients: RawClient[] = [];
  for (const { key = GOOD_KEY, query = QUERY, variables = {} } of subscribers) {
    const client = await connectClient(disposal, wsUrl, key);
    const after = Buffer.from(`${LOG_ID}:0`).toString('base64url');
    const payload = { query, variables: { after, ...variables } };
    client.send({ id: `${clients.length}`, type: 'subscribe', payload });
    clients.push(client);
  }
  return { toy, clients };
}

const countExecutions = ({ made }: Toy) =>
  [...made.values()].reduce((sum, count) => sum + count, 0);

/** Returns the number of executions per change once all subscriptions are up to date. */
async function executionsPerChange({ toy, clients }: { toy: Toy; clients: readonly RawClient[] }) {
  const counts: number[] = [];
  for (let round = 1; round <= 12; round += 1) {
    const before = countExecutions(toy);
    toy.commit(1);
    await Promise.all(clients.map((client) => client.receive(round, 'next')));
    counts.push(countExecutions(toy) - before);
  }
  return Math.min(...counts);
}

describe('one execution', () => {
  it('serves all equal subscriptions, from any cursor', async () => {
    const after = Buffer.from(`${LOG_ID}:1`).toString('base64url');
    const started = await start({}, { key: OTHER_KEY }, {});
    expect(await executionsPerChange(started)).toBe(1);
    const [client] = started.clients;
    client?.send({
      id: 'late',
      type: 'subscribe',
      payload: { query: QUERY, variables: { after } },
    });
    await until(() => client?.messages.filter(({ id }) => id === 'late').length === 11);
    expect(started.toy.held.subscriptions).toBe(1);
  });

  it.each<[string, Subscriber]>([
    ['another document', { query: OTHER_QUERY }],
    ['another variable below the root field', { variables: { bytes: 2 } }],
  ])('does not serve %s', async (_, other) => {
    expect(await executionsPerChange(await start({}, other))).toBe(2);
  });

  it('is not repeated for a member that left', async () => {
    const { toy, clients } = await start({}, {});
    await until(() => toy.held.subscriptions === 1);
    clients[0]?.socket.terminate();
    await executionsPerChange({ toy, clients: clients.slice(1) });
    expect(toy.held.subscriptions).toBe(1);
    clients[1]?.send({ id: '1', type: 'complete' });
    await until(() => toy.held.subscriptions === 0);
  });
});
