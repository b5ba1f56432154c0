import { serverAudits } from 'graphql-http';
import { createTestAuthenticator, GOOD_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { startServer } from '../../support/start-server';
import { createToy } from '../../support/toy-graphql';

const disposal = createDisposal();
const JSON_TYPE = { 'content-type': 'application/json' };
const auth = { authorization: `Bearer ${GOOD_KEY}` };

async function start() {
  const toy = createToy(disposal);
  const { url } = await startServer(disposal, { graphql: toy.service });
  const endpoint = `${url}/graphql`;
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(endpoint, {
      method: 'POST',
      headers: { ...JSON_TYPE, ...auth, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { toy, endpoint, post };
}

describe('GraphQL over HTTP', () => {
  it('passes all MUST and SHOULD audits of graphql-http', async () => {
    const { endpoint } = await start();
    const audits = serverAudits({
      url: endpoint,
      fetchFn: (url: string, init: RequestInit = {}) =>
        fetch(url, { ...init, headers: { ...init.headers, ...auth } }),
    });
    const results = await Promise.all(audits.map((audit) => audit.fn()));
    expect(results.length).toBeGreaterThan(50);
    const failed = results.filter(({ status }) => status !== 'ok');
    expect(
      failed.filter(({ name }) => /^(MUST|SHOULD)/.test(name)).map(({ name }) => name),
    ).toEqual([]);
  });

  it('executes queries and mutations with variables by POST', async () => {
    const { post, toy } = await start();
    const query = 'query Greet($name: String) { hello(name: $name) }';
    const answer = await post({ query, variables: { name: 'Ada' }, operationName: 'Greet' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ data: { hello: 'hello Ada' } });
    await post({ query: 'mutation { commit(count: 2) }' });
    expect(toy.log.entries).toHaveLength(2);
  });

  it('responds 503 if the database is unavailable and there is no data', async () => {
    const { post } = await start();
    const answer = await post({ query: '{ stored }' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'STORE_UNAVAILABLE' } }],
    });
  });

  it('executes queries by GET, but not mutations', async () => {
    const { endpoint, toy } = await start();
    const get = (query: string) =>
      fetch(`${endpoint}?query=${encodeURIComponent(query)}`, {
        headers: { ...auth, 'apollo-require-preflight': '1' },
      });
    expect(await (await get('{ hello }')).json()).toEqual({ data: { hello: 'hello world' } });
    const answer = await get('mutation { commit(count: 2) }');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(toy.log.entries).toEqual([]);
  });

  it('rejects subscriptions', async () => {
    const { endpoint, post } = await start();
    const query = 'subscription { statusChanged { cursor } }';
    const strict = { accept: 'application/graphql-response+json' };
    const rejection = { errors: [{ extensions: { code: 'BAD_REQUEST' } }] };
    const posted = await post({ query }, strict);
    expect(posted.status).toBe(400);
    expect(await posted.json()).toMatchObject(rejection);
    const got = await fetch(`${endpoint}?query=${encodeURIComponent(query)}`, {
      headers: { ...JSON_TYPE, ...auth },
    });
    expect(await got.json()).toMatchObject(rejection);
  });

  it('rejects requests that a web page can send without a preflight', async () => {
    const { endpoint, toy } = await start();
    const query = JSON.stringify({ query: 'mutation { commit(count: 2) }' });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const headers = { ...auth, 'content-type': type };
      const answer = await fetch(endpoint, { method: 'POST', headers, body: query });
      expect(answer.status).toBe(400);
    }
    expect(toy.log.entries).toEqual([]);
  });

  it('accepts a GET whose only special header is Authorization, as urql sends it', async () => {
    const { endpoint, toy } = await start();
    const answer = await fetch(`${endpoint}?query={hello}`, { headers: auth });
    expect(answer.status).toBe(200);
    const mutation = await fetch(`${endpoint}?query=mutation{commit(count:1)}`, { headers: auth });
    expect(mutation.status).toBe(405);
    expect(toy.log.entries).toEqual([]);
  });

  it.each([
    'operationName=',
    'variables=',
    'extensions=',
    'operationName=&variables=&extensions=',
    'variables=null',
    'extensions=null',
  ])('treats the empty %s in a URL as absent', async (empty) => {
    const { endpoint } = await start();
    const answer = await fetch(`${endpoint}?query={hello}&${empty}`, { headers: auth });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ data: { hello: 'hello world' } });
  });

  it('treats an empty operationName in a body as absent', async () => {
    const { post } = await start();
    const answer = await post({ query: '{ hello }', operationName: '' });
    expect(await answer.json()).toEqual({ data: { hello: 'hello world' } });
  });

  it('rejects a duplicate URL parameter', async () => {
    const { endpoint } = await start();
    const twice = 'operationName=&operationName=A';
    const answer = await fetch(`${endpoint}?query={hello}&${twice}`, { headers: auth });
    expect(answer.status).toBe(400);
  });

  it('executes with the principal of the caller', async () => {
    const { post } = await start();
    expect(await (await post({ query: '{ viewer }' })).json()).toEqual({
      data: { viewer: GOOD_KEY },
    });
  });

  it('releases the context of a request, also after an error', async () => {
    const { post, toy } = await start();
    expect(await (await post({ query: '{ holding }' })).json()).toEqual({ data: { holding: 1 } });
    await post({ query: '{ secret }' });
    await post({ query: '{ nonsense' });
    await post('{}');
    expect(toy.held.requests).toBe(0);
  });

  it('reveals nothing about an unknown error', async () => {
    const { post } = await start();
    const text = await (await post({ query: '{ secret }' })).text();
    expect(text).not.toContain('passport');
    expect(JSON.parse(text).errors[0].extensions.code).toBe('INTERNAL');
  });

  it.each(['{ nonsense }', '{ hello', 'query ($n: Int!) { hello }'])(
    'returns the errors of %p in a form that the client reads',
    async (query) => {
      const { post } = await start();
      const strict = await post({ query }, { accept: 'application/graphql-response+json' });
      expect(strict.status).toBe(400);
      const legacy = await post({ query }, { accept: 'application/json' });
      expect(legacy.status).toBe(200);
      expect(await legacy.json()).toMatchObject({ errors: [{ message: expect.any(String) }] });
    },
  );

  it('responds 400 to a body that is not a GraphQL request', async () => {
    const { post } = await start();
    const headers = { accept: 'application/json' };
    for (const body of ['{ not json', '[]', '{}', '{"query":1}']) {
      const answer = await post(body, headers);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [expect.anything()] });
    }
  });

  it('accepts only UTF-8', async () => {
    const { post } = await start();
    const utf8 = { 'content-type': 'application/json; charset="UTF-8"' };
    expect((await post({ query: '{ hello(name: "Zoë") }' }, utf8)).status).toBe(200);
    const latin = { 'content-type': 'application/json; charset=latin1' };
    expect((await post({ query: '{ hello }' }, latin)).status).toBe(415);
  });

  it('rejects a body over 1 MiB', async () => {
    const { post } = await start();
    const answer = await post({ query: '{ hello }', variables: { pad: 'x'.repeat(1024 * 1024) } });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'BODY_TOO_LARGE' } }],
    });
  });
});

describe('an error status', () => {
  const rejected: [string, number, RequestInit][] = [
    ['without credentials', 401, { headers: JSON_TYPE, body: '{"query":"{ hello }"}' }],
    ['with a body that is not JSON', 400, { headers: { ...JSON_TYPE, ...auth }, body: '{' }],
    ['with a body in Latin-1', 415, { headers: { ...latinType(), ...auth }, body: '{}' }],
    [
      'with a body over 64 KiB',
      413,
      { headers: { ...JSON_TYPE, ...auth }, body: '[]'.repeat(4e4) },
    ],
    ['of another type', 400, { headers: { 'content-type': 'text/plain', ...auth }, body: 'x' }],
  ];

  it.each(rejected)(
    'has the content type of the Accept header for a request %s',
    async (_, status, init) => {
      const { endpoint } = await start();
      const send = (accept: string) =>
        fetch(endpoint, { method: 'POST', ...init, headers: { ...init.headers, accept } });
      // Headers of Apollo Client 4, of urql and of a client that supports only the older type.
      for (const [accept, type] of [
        ['application/graphql-response+json,application/json;q=0.9', 'graphql-response+json'],
        ['application/graphql-response+json, application/graphql+json', 'graphql-response+json'],
        ['application/json', 'json'],
        ['*/*', 'json'],
      ] as const) {
        const answer = await send(accept);
        expect(answer.status).toBe(status);
        expect(answer.headers.get('content-type')).toBe(`application/${type}; charset=utf-8`);
        expect(await answer.json()).toMatchObject({ errors: [{ extensions: expect.anything() }] });
      }
    },
  );

  it('has that content type if the credentials cannot be looked up', async () => {
    const authenticator = createTestAuthenticator();
    const { url } = await startServer(disposal, { authenticator });
    authenticator.fail();
    const headers = { ...auth, accept: 'application/graphql-response+json' };
    const answer = await fetch(`${url}/graphql?query={hello}`, { headers });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toMatch(/^application\/graphql-response\+json/);
  });
});

function latinType() {
  return { 'content-type': 'application/json; charset=latin1' };
}

describe('credentials over HTTP', () => {
  it.each([
    ['missing', {}],
    ['wrong', { authorization: 'Bearer wrong' }],
  ])('that are %s get 401, and nothing is executed', async (_, headers) => {
    const { endpoint, toy } = await start();
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { ...JSON_TYPE, ...headers },
      body: JSON.stringify({ query: 'mutation { commit(count: 1) }' }),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(toy.log.entries).toEqual([]);
  });

  it('that cannot be looked up get 503, not 401', async () => {
    const authenticator = createTestAuthenticator();
    const { url } = await startServer(disposal, { authenticator });
    authenticator.fail();
    const answer = await fetch(`${url}/graphql?query={hello}`, {
      headers: { ...auth, 'apollo-require-preflight': '1' },
    });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
  });
});
