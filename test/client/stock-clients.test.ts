/** urql and Apollo Client with their default options, over HTTP and WebSocket. */

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import {
  fetchExchange,
  type SubscriptionForwarder,
  subscriptionExchange,
  Client as UrqlClient,
} from '@urql/core';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { subscribeFromCursor } from '../../src/index';
import { GOOD_KEY } from '../support/credentials';
import { createDisposal } from '../support/disposal';
import { startServer } from '../support/start-server';
import { createToy } from '../support/toy-graphql';
import { until } from '../support/until';

const disposal = createDisposal();
const authorization = `Bearer ${GOOD_KEY}`;
const QUERY = 'query Greet($name: String) { hello(name: $name) }';
const MUTATION = 'mutation { commit(count: 1) }';
const SUBSCRIPTION = 'subscription { statusChanged { seq } }';

async function start() {
  const toy = createToy(disposal);
  const { url, wsUrl } = await startServer(disposal, { graphql: toy.service });
  const stock = createClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { headers: { Authorization: authorization } },
  });
  disposal.defer(() => stock.dispose()?.catch(() => {}));
  const socket: Client = {
    ...stock,
    subscribe: (request, sink) => subscribeFromCursor(stock, request, sink),
  };
  return { toy, endpoint: `${url}/graphql`, socket };
}

describe('urql', () => {
  async function connect(headers: Record<string, string> = { authorization }) {
    const { toy, endpoint, socket } = await start();
    const forwardSubscription: SubscriptionForwarder = ({ query = '', variables = {} }) => ({
      subscribe: (sink) => ({
        unsubscribe: socket.subscribe(
          { query, variables },
          { ...sink, next: ({ data = null }) => sink.next({ data }) },
        ),
      }),
    });
    const client = new UrqlClient({
      url: endpoint,
      exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })],
      fetchOptions: { headers },
    });
    return { toy, client };
  }

  it('queries by GET, its default, and mutates by POST', async () => {
    const { client, toy } = await connect();
    const { data, error } = await client.query(QUERY, { name: 'Ada' }).toPromise();
    expect(error).toBeUndefined();
    expect(data).toEqual({ hello: 'hello Ada' });
    const mutated = await client.mutation(MUTATION, {}).toPromise();
    expect(mutated.error).toBeUndefined();
    expect(toy.log.entries).toHaveLength(1);
  });

  it('reads the code of a 401', async () => {
    const { client } = await connect({ authorization: 'Bearer wrong' });
    const { error } = await client.query(QUERY, {}).toPromise();
    expect(error?.graphQLErrors.map(({ extensions }) => extensions.code)).toEqual([
      'UNAUTHENTICATED',
    ]);
  });

  it('subscribes', async () => {
    const { client, toy } = await connect();
    const seen: unknown[] = [];
    const { unsubscribe } = client
      .subscription(SUBSCRIPTION, {})
      .subscribe(({ data }) => void seen.push(data));
    await until(() => toy.held.subscriptions === 1);
    toy.commit(1);
    await until(() => seen.length === 1);
    expect(seen).toEqual([{ statusChanged: { seq: 1 } }]);
    unsubscribe();
  });
});

describe('Apollo Client', () => {
  async function connect(headers: Record<string, string> = { authorization }, options = {}) {
    const { toy, endpoint, socket } = await start();
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.split(
        ({ operationType }) => operationType === 'subscription',
        new GraphQLWsLink(socket),
        new HttpLink({ uri: endpoint, headers, ...options }),
      ),
      clientAwareness: { name: 'dashboard', version: '1.0' },
    });
    disposal.defer(() => client.stop());
    return { toy, client };
  }

  it.each([
    ['POST', {}],
    ['GET', { useGETForQueries: true }],
  ])('queries by %s', async (_, options) => {
    const { client } = await connect(undefined, options);
    const { data } = await client.query({ query: gql(QUERY), variables: { name: 'Ada' } });
    expect(data).toEqual({ hello: 'hello Ada' });
  });

  it('mutates by POST even if queries use GET', async () => {
    const { client, toy } = await connect(undefined, { useGETForQueries: true });
    await client.mutate({ mutation: gql(MUTATION) });
    expect(toy.log.entries).toHaveLength(1);
  });

  it('reads the code of a 401', async () => {
    const { client } = await connect({ authorization: 'Bearer wrong' });
    const error: unknown = await client.query({ query: gql(QUERY) }).catch((caught) => caught);
    expect(CombinedGraphQLErrors.is(error)).toBe(true);
    expect(error).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  it('subscribes', async () => {
    const { client, toy } = await connect();
    const seen: unknown[] = [];
    const subscription = client
      .subscribe({ query: gql(SUBSCRIPTION) })
      .subscribe(({ data }) => void seen.push(data));
    await until(() => toy.held.subscriptions === 1);
    toy.commit(1);
    await until(() => seen.length === 1);
    expect(seen).toMatchObject([{ statusChanged: { seq: 1 } }]);
    subscription.unsubscribe();
  });
});
