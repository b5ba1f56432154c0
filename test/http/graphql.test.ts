import { serverAudits } from 'graphql-http';
import { createTestAuthenticator, GOOD_KEY } from '../support/credentials';
import { createDisposal } from '../support/disposal';
import { startServer } from '../support/start-server';
import { createToy } from '../support/toy-graphql';

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
  it('passes every audit of graphql-http that says MUST or SHOULD', async () => {
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

  it('answers queries and mutations by POST, with variables', async () => {
    const { post, toy } = await start();
    const query = 'query Greet($name: String) { hello(name: $name) }';
    const answer = await post({ query, variables: { name: 'Ada' }, operationName: 'Greet' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ data: { hello: 'hello Ada' } });
    await post({ query: 'mutation { commit(count: 2) }' });
    expect(toy.log.entries).toHaveLength(2);
  });

  it('answers 503 where the store was away for all that was asked', async () => {
    const { post } = await start();
    const answer = await post({ query: '{ stored }' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'STORE_UNAVAILABLE' } }],
    });
  });

  it('answers queries by GET, but no mutations', async () => {
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

  it('says of a subscription that it goes over WebSocket', async () => {
    const { endpoint, post } = await start();
    const query = 'subscription { statusChanged { cursor } }';
    const strict = { accept: 'application/graphql-response+json' };
    const refused = { errors: [{ extensions: { code: 'BAD_REQUEST' } }] };
    const posted = await post({ query }, strict);
    expect(posted.status).toBe(400);
    expect(await posted.json()).toMatchObject(refused);
    const got = await fetch(`${endpoint}?query=${encodeURIComponent(query)}`, {
      headers: { ...JSON_TYPE, ...auth },
    });
    expect(await got.json()).toMatchObject(refused);
  });

  it('refuses what a web page could send without asking first', async () => {
    const { endpoint, toy } = await start();
    const query = JSON.stringify({ query: 'mutation { commit(count: 2) }' });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const headers = { ...auth, 'content-type': type };
      const answer = await fetch(endpoint, { method: 'POST', headers, body: query });
      expect(answer.status).toBe(400);
    }
    const plainGet = await fetch(`${endpoint}?query={hello}`, { headers: auth });
    expect(plainGet.status).toBe(400);
    expect(toy.log.entries).toEqual([]);
  });

  it('knows who is asking', async () => {
    const { post } = await start();
    expect(await (await post({ query: '{ viewer }' })).json()).toEqual({
      data: { viewer: GOOD_KEY },
    });
  });

  it('gives back what a request holds, also after a failure', async () => {
    const { post, toy } = await start();
    expect(await (await post({ query: '{ holding }' })).json()).toEqual({ data: { holding: 1 } });
    await post({ query: '{ secret }' });
    await post({ query: '{ nonsense' });
    await post('{}');
    expect(toy.held.requests).toBe(0);
  });

  it('shows nothing of an error that nobody named', async () => {
    const { post } = await start();
    const text = await (await post({ query: '{ secret }' })).text();
    expect(text).not.toContain('passport');
    expect(JSON.parse(text).errors[0].extensions.code).toBe('INTERNAL');
  });

  it.each(['{ nonsense }', '{ hello', 'query ($n: Int!) { hello }'])(
    'finds fault with %p in words that a client can read',
    async (query) => {
      const { post } = await start();
      const strict = await post({ query }, { accept: 'application/graphql-response+json' });
      expect(strict.status).toBe(400);
      const legacy = await post({ query }, { accept: 'application/json' });
      expect(legacy.status).toBe(200);
      expect(await legacy.json()).toMatchObject({ errors: [{ message: expect.any(String) }] });
    },
  );

  it('keeps 400 for what is no GraphQL request at all', async () => {
    const { post } = await start();
    const headers = { accept: 'application/json' };
    for (const body of ['{ not json', '[]', '{}', '{"query":1}']) {
      const answer = await post(body, headers);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [expect.anything()] });
    }
  });

  it('reads UTF-8 alone', async () => {
    const { post } = await start();
    const utf8 = { 'content-type': 'application/json; charset="UTF-8"' };
    expect((await post({ query: '{ hello(name: "Zoë") }' }, utf8)).status).toBe(200);
    const latin = { 'content-type': 'application/json; charset=latin1' };
    expect((await post({ query: '{ hello }' }, latin)).status).toBe(415);
  });

  it('refuses a body over 1 MiB', async () => {
    const { post } = await start();
    const answer = await post({ query: '{ hello }', variables: { pad: 'x'.repeat(1024 * 1024) } });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'BODY_TOO_LARGE' } }],
    });
  });
});

describe('credentials over HTTP', () => {
  it.each([
    ['none', {}],
    ['wrong ones', { authorization: 'Bearer wrong' }],
  ])('%s are answered 401, and nothing runs', async (_, headers) => {
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

  it('that cannot be looked up are no reason to say that they are wrong', async () => {
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
