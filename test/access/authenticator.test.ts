/** Authentication against a real store. */

import { SignJWT } from 'jose';
import { generateApiKey } from '../../src/access/api-key';
import { type Authenticator, createAuthenticator } from '../../src/access/authenticator';
import { createJwtVerifier } from '../../src/access/jwt';
import type { Principal } from '../../src/access/principal';
import type { ApiKeyRow } from '../../src/store/api-keys';
import { openStore } from '../../src/store/open-store';
import type { Store } from '../../src/store/store';
import { createTestDatabase, type TestDatabase } from '../support/databases';
import { silentLog } from '../support/logs';
import { storeConfigOf } from '../support/store-config';

const SECRET = 'a shared secret of at least 32 bytes';
const BOOTSTRAP_KEY = 'a-bootstrap-key-of-at-least-32-characters';
const START = new Date('2025-06-01T12:00:00Z');

let database: TestDatabase;
let store: Store;
let queries: string[];
let now: Date;

beforeEach(async () => {
  database = await createTestDatabase();
  now = START;
  queries = [];
  store = await openStore(storeConfigOf(database.config), silentLog, {
    onQuery: (sql) => queries.push(sql),
  });
});

afterEach(async () => {
  await store.close();
  await database.drop();
});

function authenticator(options: { bootstrap?: string | null; jwt?: boolean } = {}): Authenticator {
  const trusted = { source: { secrets: [SECRET] }, issuer: 'id', audience: 'kyc' };
  return createAuthenticator({
    apiKeys: store.apiKeys,
    erasures: store.erasures,
    bootstrapApiKey: options.bootstrap === undefined ? BOOTSTRAP_KEY : options.bootstrap,
    jwt: options.jwt === false ? null : createJwtVerifier(trusted, () => now),
    now: () => now,
  });
}

async function issueKey(scopes: readonly string[] = ['read']) {
  const { key, prefix, hash } = generateApiKey();
  const row: ApiKeyRow = await store.apiKeys.create({
    name: 'ops',
    prefix,
    hash,
    scopes,
    auditActor: 'test',
    now,
  });
  return { key, prefix, hash, id: row.id };
}

function issueToken(sub: string, expiresInS = 60): Promise<string> {
  const exp = START.getTime() / 1000 + expiresInS;
  return new SignJWT({ iss: 'id', aud: 'kyc', sub, exp })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET));
}

function pass(ms: number): void {
  now = new Date(now.getTime() + ms);
}

describe('an API key', () => {
  it('authenticates with its name and scopes', async () => {
    const { key, id } = await issueKey(['read', 'pii:read']);
    expect(await authenticator().authenticate(`Bearer ${key}`)).toEqual({
      kind: 'API_KEY',
      keyId: id,
      name: 'ops',
      scopes: new Set(['read', 'pii:read']),
    });
  });

  it('ignores scopes unknown to this version', async () => {
    const { key } = await issueKey(['read', 'everything']);
    const { scopes } = await authenticator().authenticate(`Bearer ${key}`);
    expect([...scopes]).toEqual(['read']);
  });

  it.each([
    ['another letter case of the scheme', (key: string) => `bearer ${key}`],
    ['surrounding spaces', (key: string) => ` Bearer   ${key} `],
    ['no scheme, as in connection params', (key: string) => key],
  ])('authenticates with %s', async (_case, write) => {
    const { key } = await issueKey();
    expect(await authenticator().authenticate(write(key))).toMatchObject({ name: 'ops' });
  });

  it('executes one query for many requests within a second', async () => {
    const { key } = await issueKey();
    const { authenticate } = authenticator();
    queries.length = 0;
    await Promise.all(Array.from({ length: 50 }, () => authenticate(`Bearer ${key}`)));
    pass(999);
    await authenticate(`Bearer ${key}`);
    expect(queries).toHaveLength(1);
  });

  it('is rejected one second after its revocation', async () => {
    const { key, prefix } = await issueKey();
    const { authenticate } = authenticator();
    await authenticate(`Bearer ${key}`);
    await store.apiKeys.revoke(prefix, 'test', now);
    pass(1000);
    await expect(authenticate(`Bearer ${key}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is accepted one second after its creation, even if it was rejected before', async () => {
    const { key, prefix, hash } = generateApiKey();
    const { authenticate } = authenticator();
    await expect(authenticate(key)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await store.apiKeys.create({
      name: 'late',
      prefix,
      hash,
      scopes: ['read'],
      auditActor: 'test',
      now,
    });
    pass(1000);
    expect(await authenticate(key)).toMatchObject({ name: 'late' });
  });

  it('is not cached as unknown if the query fails', async () => {
    const { key } = await issueKey();
    let unavailable = true;
    const { authenticate } = createAuthenticator({
      apiKeys: {
        ...store.apiKeys,
        findByHash: (hash) =>
          unavailable ? Promise.reject(new Error('unavailable')) : store.apiKeys.findByHash(hash),
      },
      erasures: store.erasures,
      bootstrapApiKey: null,
      jwt: null,
      now: () => now,
    });
    await expect(authenticate(key)).rejects.toThrow('unavailable');
    unavailable = false;
    expect(await authenticate(key)).toMatchObject({ name: 'ops' });
  });

  it('is evicted from the cache after 1,000 other keys', async () => {
    const { key } = await issueKey();
    const { authenticate } = authenticator();
    await authenticate(key);
    for (let tried = 0; tried < 1000; tried += 1) {
      await authenticate(generateApiKey().key).catch(() => {});
    }
    queries.length = 0;
    await authenticate(key);
    expect(queries).toHaveLength(1);
  });
});

describe('the bootstrap key', () => {
  it('has all scopes and needs no query', async () => {
    const { authenticate } = authenticator();
    queries.length = 0;
    expect(await authenticate(`Bearer ${BOOTSTRAP_KEY}`)).toEqual({
      kind: 'API_KEY',
      keyId: null,
      name: 'bootstrap',
      scopes: new Set(['read', 'operate', 'pii:read', 'audit:read', 'metrics', 'erase']),
    });
    expect(queries).toEqual([]);
  });

  it('does not exist unless configured', async () => {
    const { authenticate } = authenticator({ bootstrap: null });
    for (const credential of [BOOTSTRAP_KEY, 'null', '']) {
      await expect(authenticate(credential)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it('may have the format of a stored key', async () => {
    const { key } = generateApiKey();
    const { authenticate } = authenticator({ bootstrap: key });
    expect(await authenticate(key)).toMatchObject({ name: 'bootstrap' });
  });
});

describe('an end user', () => {
  it('authenticates with a token', async () => {
    const token = await issueToken('ada');
    expect(await authenticator().authenticate(`Bearer ${token}`)).toMatchObject({
      kind: 'USER',
      externalUserId: 'ada',
    });
  });

  it('has no access if no issuer is configured', async () => {
    const token = await issueToken('ada');
    const { authenticate } = authenticator({ jwt: false });
    await expect(authenticate(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

it('rejects all other credentials with the same message', async () => {
  const revoked = await issueKey();
  await store.apiKeys.revoke(revoked.prefix, 'test', now);
  const { authenticate } = authenticator();
  const credentials = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    `Bearer ${BOOTSTRAP_KEY} more`,
    `Bearer ${BOOTSTRAP_KEY}x`,
    `Bearer ${BOOTSTRAP_KEY.slice(1)}`,
    `Token ${revoked.key}`,
    `Bearer ${revoked.key}`,
    `Bearer ${generateApiKey().key}`,
    `Bearer ${await issueToken('ada', -60)}`,
    `Bearer ${'x'.repeat(100_000)}`,
    'Bearer a.b.c',
  ];
  const messages = await Promise.all(
    credentials.map((credential) =>
      authenticate(credential).then(
        () => 'accepted',
        (error) => `${error.code}: ${error.message}`,
      ),
    ),
  );
  expect(new Set(messages)).toEqual(
    new Set([
      'UNAUTHENTICATED: Credentials must be a valid API key or token. Send them as `Authorization: Bearer …`.',
    ]),
  );
});

describe('findInvalid', () => {
  it('returns revoked and deleted keys and expired tokens, with two queries', async () => {
    const kept = await issueKey();
    const revoked = await issueKey();
    const { authenticate, findInvalid } = authenticator();
    const principals = await Promise.all([
      authenticate(kept.key),
      authenticate(revoked.key),
      authenticate(BOOTSTRAP_KEY),
      authenticate(await issueToken('short', 10)),
      authenticate(await issueToken('long', 600)),
    ]);
    const [, revokedKey, , short] = principals;
    const gone: Principal = { kind: 'API_KEY', keyId: 999, name: 'gone', scopes: new Set() };

    await store.apiKeys.revoke(revoked.prefix, 'test', now);
    pass(15_000);
    queries.length = 0;
    const found = await findInvalid([...principals, gone]);

    expect(found).toEqual(new Set([revokedKey, short, gone]));
    expect(queries).toHaveLength(2);
  });

  it('returns a token exactly when `authenticate` starts to reject it', async () => {
    const token = await issueToken('ada', 10);
    const { authenticate, findInvalid } = authenticator();
    const principal = await authenticate(token);
    pass(14_999);
    expect(await findInvalid([principal])).toEqual(new Set());
    expect(await authenticate(token)).toEqual({ ...principal, authenticatedAt: now });
    pass(1);
    expect(await findInvalid([principal])).toEqual(new Set([principal]));
    await expect(authenticate(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('returns an erased user, but not a later user with the same ID', async () => {
    const { authenticate, findInvalid } = authenticator();
    const { userId } = await store.createUser({ externalUserId: 'ada', auditActor: 'ops', now });
    const token = await issueToken('ada', 600);
    const [before, other] = [await authenticate(token), await authenticate(await issueToken('bo'))];
    pass(1_000);
    await store.erasures.erase({
      userId,
      reason: null,
      changeActor: 'ops',
      auditActor: 'ops',
      now,
    });
    expect(await findInvalid([before, other])).toEqual(new Set([before]));
    pass(6_000);
    const after = await authenticate(token);
    expect(await findInvalid([before, other, after])).toEqual(new Set([before]));
  });

  it('executes no query without principals', async () => {
    queries.length = 0;
    expect(await authenticator().findInvalid([])).toEqual(new Set());
    expect(queries).toEqual([]);
  });
});
