/** Authentication at every entry point, and the scopes of API keys. */

import type { Scope } from '../../src/access/principal';
import { createDisposal } from '../support/disposal';
import { openRaw } from '../support/raw-ws';
import { API_KEY, codesOf, startGateway } from './support/gateway';
import { DOINGS, NAMES } from './support/operations';
import { LINK, startWithTwo } from './support/two-users';

const disposal = createDisposal();

describe('without credentials', () => {
  it.each([
    ['a query', '{ viewer { name } }'],
    ['a mutation', 'mutation { createUser(input: {}) { created } }'],
    ['introspection', '{ __schema { queryType { name } } }'],
    ['the name of a type', '{ __typename }'],
    ['nonsense', '{'],
  ])('%s is answered 401 over HTTP', async (_, query) => {
    const gateway = await startGateway(disposal);

    const answer = await gateway.ask(query, {}, null);

    expect([answer.status, codesOf(answer)]).toEqual([401, ['UNAUTHENTICATED']]);
    expect(answer.data).toBeUndefined();
  });

  it('answers a GET with 401 and the authentication scheme', async () => {
    const gateway = await startGateway(disposal);

    const answer = await fetch(`${gateway.url}/graphql?query={__typename}`);

    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it.each([
    ['a key that was made up', `kyc_aaaaaaaa_${'A'.repeat(43)}`],
    ['the bootstrap key with a letter more', `${API_KEY}x`],
    ['half of the bootstrap key', API_KEY.slice(0, 20)],
    ['a token without a signature', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.'],
    ['a credential of 10,000 letters', 'x'.repeat(10_000)],
  ])('rejects %s', async (_, credential) => {
    const gateway = await startGateway(disposal);

    const answer = await gateway.ask(NAMES, {}, credential);
    const socket = await openRaw(disposal, gateway.wsUrl);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${credential}` } });

    expect([answer.status, codesOf(answer)]).toEqual([401, ['UNAUTHENTICATED']]);
    expect(answer.text).not.toContain(credential);
    expect((await socket.closed).code).toBe(4403);
    expect(socket.messages).toEqual([]);
  });

  it('closes a WebSocket with 4403 for wrong credentials and with 4401 before any credentials', async () => {
    const gateway = await startGateway(disposal);
    const anonymous = await openRaw(disposal, gateway.wsUrl);
    const hasty = await openRaw(disposal, gateway.wsUrl);

    anonymous.send({ type: 'connection_init' });
    hasty.send({ id: '1', type: 'subscribe', payload: { query: NAMES } });

    expect((await anonymous.closed).code).toBe(4403);
    expect((await hasty.closed).code).toBe(4401);
    expect([...anonymous.messages, ...hasty.messages]).toEqual([]);
  });
});

describe('an API key', () => {
  it.each<[string, readonly Scope[], readonly string[]]>([
    ['`read`', ['read'], ['users']],
    ['`operate`', ['operate'], ['createUser']],
    ['`pii:read`', ['pii:read'], []],
    ['`read` and `pii:read`', ['read', 'pii:read'], ['users', 'profile', 'rawBody']],
    [
      '`read` and `operate`',
      ['read', 'operate'],
      ['users', 'createUser', 'linkIdentity', 'replay'],
    ],
    ['`metrics`', ['metrics'], []],
    ['`erase`', ['erase'], ['hold']],
    ['no scope', [], []],
  ])('with %s may do that and no more', async (_, scopes, may) => {
    const gateway = await startWithTwo(disposal);
    const { key } = await gateway.createKey(...scopes);

    const verdicts = await Promise.all(
      Object.entries(DOINGS).map(async ([doing, query]) => {
        const codes = codesOf(await gateway.ask(query, {}, key));
        return [doing, codes.length === 0 ? 'DONE' : codes[0]];
      }),
    );

    const expected = Object.keys(DOINGS).map((doing) => [
      doing,
      may.includes(doing) ? 'DONE' : 'FORBIDDEN',
    ]);
    expect(Object.fromEntries(verdicts)).toEqual(Object.fromEntries(expected));
  });

  it('that is forbidden to operate has done nothing', async () => {
    const gateway = await startWithTwo(disposal);
    const { key } = await gateway.createKey('read', 'pii:read');

    await gateway.ask(
      'mutation { createUser(input: { externalUserId: "eve" }) { created } }',
      {},
      key,
    );
    await gateway.ask(LINK, { ref: 'ben', externalUserId: 'ada' }, key);

    const { data } = await gateway.ask(
      '{ users { totalCount } eve: user(externalUserId: "eve") { id } }',
    );
    expect(data).toEqual({ users: { totalCount: 2 }, eve: null });
  });

  it('is worth nothing a second after it was revoked', async () => {
    const clock = { now: new Date('2025-06-01T12:00:00Z') };
    const gateway = await startGateway(disposal, { clock: () => clock.now });
    const { key, prefix } = await gateway.createKey('read');
    const before = await gateway.ask(NAMES, {}, key);

    await gateway.store.apiKeys.revoke(prefix, 'test', clock.now);
    clock.now = new Date('2025-06-01T12:00:01Z');

    expect([before.status, (await gateway.ask(NAMES, {}, key)).status]).toEqual([200, 401]);
  });

  it('is stored as a hash alone', async () => {
    const gateway = await startGateway(disposal);
    const { key, prefix } = await gateway.createKey('read');

    const [row] = await gateway.store.apiKeys.list();

    expect(row?.prefix).toBe(prefix);
    expect(JSON.stringify(row)).not.toContain(key.slice(-43));
  });

  it('may be shown on a WebSocket under any of the usual names', async () => {
    const gateway = await startGateway(disposal);
    const shown = [
      { authorization: `Bearer ${API_KEY}` },
      { Authorization: API_KEY },
      { apiKey: API_KEY },
      { token: API_KEY },
    ];

    for (const payload of shown) {
      const socket = await openRaw(disposal, gateway.wsUrl);
      socket.send({ type: 'connection_init', payload });
      await socket.receive(1, 'connection_ack');
    }
    const byHeader = await openRaw(disposal, gateway.wsUrl, {
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    byHeader.send({ type: 'connection_init' });
    await byHeader.receive(1, 'connection_ack');
  });
});
