/** Tokens of end users, with a real key set served over HTTP. */

import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createJwtVerifier, type JwtVerifier } from '../../src/access/jwt';
import { createKeySetServer, type KeySetServer } from './key-set-server';

const ISSUER = 'https://id.example';
const AUDIENCE = 'kyc-gateway';
const SECRET = 'a shared secret of at least 32 bytes';
const NOW = new Date('2025-06-01T12:00:00Z');
const NOW_S = NOW.getTime() / 1000;

const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: NOW_S + 60 };

function signed(claims: JWTPayload, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(Buffer.from(secret));
}

/** Creates a token with any header and signature. */
function forged(header: object, claims: object, signature = ''): string {
  const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)));
  return [...parts.map((part) => part.toString('base64url')), signature].join('.');
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'ACCEPTED',
    (error) => error.code,
  );
}

async function failedCheckOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'NONE',
    (error) => error.failedCheck,
  );
}

describe('with a shared secret', () => {
  const source = { secrets: [SECRET] };
  const verifier = createJwtVerifier({ source, issuer: ISSUER, audience: AUDIENCE }, () => NOW);

  it('reads the end user from `sub`', async () => {
    expect(await verifier.verify(await signed(CLAIMS))).toEqual({
      kind: 'USER',
      externalUserId: 'ada',
      scopes: new Set(),
      expiresAt: new Date(CLAIMS.exp * 1000),
      authenticatedAt: NOW,
    });
  });

  it.each([
    ['pii:read', ['pii:read']],
    ['openid pii:read email', ['pii:read']],
    ['read operate', []],
    ['pii:reader', []],
    [['pii:read'], []],
  ])('for the scope claim %j, grants %j', async (scope, granted) => {
    const { scopes } = await verifier.verify(await signed({ ...CLAIMS, scope }));
    expect([...scopes]).toEqual(granted);
  });

  it('accepts each of several secrets and no other', async () => {
    const [fresh, stranger] = [
      'a fresh secret, of 32 bytes or more',
      'an unknown secret of 32 bytes or more',
    ];
    const trusting = (...secrets: readonly string[]) =>
      createJwtVerifier({ source: { secrets }, issuer: ISSUER, audience: AUDIENCE }, () => NOW);
    const rotating = trusting(fresh, SECRET);
    const outcomes = [fresh, SECRET, stranger].map(async (secret) =>
      codeOf(rotating.verify(await signed(CLAIMS, secret))),
    );
    expect(await Promise.all(outcomes)).toEqual(['ACCEPTED', 'ACCEPTED', 'UNAUTHENTICATED']);
    const late = { ...CLAIMS, exp: NOW_S - 60 };
    expect(await codeOf(rotating.verify(await signed(late)))).toBe('UNAUTHENTICATED');
    const removed = trusting(fresh).verify(await signed(CLAIMS));
    expect(await codeOf(removed)).toBe('UNAUTHENTICATED');
  });

  it('accepts an audience among several', async () => {
    const token = await signed({ ...CLAIMS, aud: ['other', AUDIENCE] });
    expect(await codeOf(verifier.verify(token))).toBe('ACCEPTED');
  });

  it.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'other' }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a lone surrogate in the subject, which databases replace', { sub: 'ada\ud800' }],
    ['NUL in the subject', { sub: 'ada\0' }],
    ['no expiry', { exp: undefined }],
    ['an expiry in the past', { exp: NOW_S - 6 }],
    ['a start in the future', { nbf: NOW_S + 6 }],
  ])('rejects a token with %s', async (_case, claims) => {
    const token = await signed({ ...CLAIMS, ...claims } as JWTPayload);
    expect(await codeOf(verifier.verify(token))).toBe('UNAUTHENTICATED');
  });

  it('tolerates a clock difference of a few seconds', async () => {
    const late = await signed({ ...CLAIMS, exp: NOW_S - 4 });
    const early = await signed({ ...CLAIMS, nbf: NOW_S + 4 });
    expect(await codeOf(verifier.verify(late))).toBe('ACCEPTED');
    expect(await codeOf(verifier.verify(early))).toBe('ACCEPTED');
  });

  it.each([
    ['of another secret', () => signed(CLAIMS, 'another secret, also of 32 bytes or more')],
    ['of another algorithm', () => signed(CLAIMS, SECRET.repeat(2), 'HS512')],
    ['without a signature', () => forged({ alg: 'none' }, CLAIMS)],
    ['without a signature, in capitals', () => forged({ alg: 'NONE' }, CLAIMS)],
    ['with an empty signature', () => forged({ alg: 'HS256' }, CLAIMS)],
    ['that demands an extension', () => forged({ alg: 'HS256', crit: ['x'], x: 1 }, CLAIMS, 'AA')],
    ['with three malformed parts', () => 'a.b.c'],
    ['without parts', () => 'token'],
    ['with claims that are not an object', () => forged({ alg: 'HS256' }, [], 'AA')],
  ])('rejects a token %s', async (_case, make) => {
    expect(await codeOf(verifier.verify(await make()))).toBe('UNAUTHENTICATED');
  });

  it('rejects a token with changed claims', async () => {
    const [header, , signature] = (await signed(CLAIMS)).split('.');
    const claims = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'eve' })).toString('base64url');
    const token = [header, claims, signature].join('.');
    expect(await codeOf(verifier.verify(token))).toBe('UNAUTHENTICATED');
  });

  it.each<[string, () => Promise<string> | string]>([
    ['ISSUER', () => signed({ ...CLAIMS, iss: 'https://other.example' })],
    ['ISSUER', () => signed({ aud: AUDIENCE, sub: 'ada', exp: CLAIMS.exp })],
    ['AUDIENCE', () => signed({ ...CLAIMS, aud: 'other' })],
    ['EXPIRY', () => signed({ ...CLAIMS, exp: NOW_S - 60 })],
    ['EXPIRY', () => signed({ iss: ISSUER, aud: AUDIENCE, sub: 'ada' })],
    ['NOT_BEFORE', () => signed({ ...CLAIMS, nbf: NOW_S + 60 })],
    ['SUBJECT', () => signed({ ...CLAIMS, sub: '' })],
    ['SUBJECT', () => signed({ iss: ISSUER, aud: AUDIENCE, exp: CLAIMS.exp })],
    ['ALGORITHM', () => signed(CLAIMS, SECRET.repeat(2), 'HS512')],
    ['ALGORITHM', () => forged({ alg: 'none' }, CLAIMS)],
    ['SIGNATURE', () => signed(CLAIMS, 'another secret, also of 32 bytes or more')],
    ['FORMAT', () => 'token'],
    ['FORMAT', () => 'a.b.c'],
  ])('reports the failed check %s', async (check, make) => {
    expect(await failedCheckOf(verifier.verify(await make()))).toBe(check);
  });

  it('rejects all invalid tokens with the same message', async () => {
    const tokens = [await signed({ ...CLAIMS, exp: 1 }), 'a.b.c', forged({ alg: 'none' }, CLAIMS)];
    const messages = await Promise.all(
      tokens.map((token) => verifier.verify(token).catch((error) => error.message)),
    );
    expect(new Set(messages).size).toBe(1);
  });
});

describe('with a key set', () => {
  let keySet: KeySetServer;
  let verifier: JwtVerifier;

  beforeEach(async () => {
    keySet = await createKeySetServer();
    const source = { jwksUrl: keySet.url };
    verifier = createJwtVerifier({ source, issuer: ISSUER, audience: AUDIENCE }, () => NOW);
  });
  afterEach(() => keySet.stop());

  it.each(['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA'])('accepts %s', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    keySet.keys = [{ ...(await exportJWK(publicKey)), kid: 'one' }];
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg, kid: 'one' })
      .sign(privateKey);
    expect(await verifier.verify(token)).toMatchObject({ externalUserId: 'ada' });
  });

  it('requests the key set once for many tokens', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    keySet.keys = [await exportJWK(publicKey)];
    const sign = () => new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    for (const token of [await sign(), await sign(), await sign()]) await verifier.verify(token);
    expect(keySet.requests).toBe(1);
  });

  it('tries every key with a matching algorithm if the token has no key ID', async () => {
    const pairs = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
    keySet.keys = await Promise.all(pairs.map(({ publicKey }) => exportJWK(publicKey)));
    const stranger = await generateKeyPair('ES256');
    for (const { privateKey } of pairs) {
      const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
      expect(await codeOf(verifier.verify(token))).toBe('ACCEPTED');
    }
    const forgery = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'ES256' })
      .sign(stranger.privateKey);
    expect(await codeOf(verifier.verify(forgery))).toBe('UNAUTHENTICATED');
  });

  it('rejects a token signed with the public key as a shared secret', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    keySet.keys = [{ ...(await exportJWK(publicKey)), kid: 'one' }];
    const pem = await exportSPKI(publicKey);
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(Buffer.from(pem));
    expect(await codeOf(verifier.verify(token))).toBe('UNAUTHENTICATED');
  });

  it('rejects a shared secret even if the key set contains it', async () => {
    keySet.keys = [{ kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), alg: 'HS256' }];
    expect(await codeOf(verifier.verify(await signed(CLAIMS)))).toBe('UNAUTHENTICATED');
  });

  it('rejects a token without a signature', async () => {
    expect(await codeOf(verifier.verify(forged({ alg: 'none' }, CLAIMS)))).toBe('UNAUTHENTICATED');
  });

  it('ignores a key in the token', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const own = await generateKeyPair('ES256');
    keySet.keys = [await exportJWK(own.publicKey)];
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'ES256', jwk })
      .sign(privateKey);
    expect(await codeOf(verifier.verify(token))).toBe('UNAUTHENTICATED');
  });

  it('rejects a key that is not in the set', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'ES256', kid: 'unknown' })
      .sign(privateKey);
    expect(await codeOf(verifier.verify(token))).toBe('UNAUTHENTICATED');
  });

  describe('whose keys are rotated', () => {
    let now: Date;
    const pass = (ms: number) => {
      now = new Date(now.getTime() + ms);
    };

    beforeEach(() => {
      now = NOW;
      const source = { jwksUrl: keySet.url };
      verifier = createJwtVerifier({ source, issuer: ISSUER, audience: AUDIENCE }, () => now);
    });

    /** Replaces the key set with a new key. @returns a function that signs a token with it. */
    async function publish(kid?: string): Promise<() => Promise<string>> {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const id = kid === undefined ? {} : { kid };
      keySet.keys = [{ ...(await exportJWK(publicKey)), ...id }];
      return () => new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256', ...id }).sign(privateKey);
    }

    it.each([
      ['another ID', 'one', 'two'],
      ['the same ID', 'one', 'one'],
      ['no ID', undefined, undefined],
    ])('accepts the new key within five seconds: %s', async (_, oldId, newId) => {
      const signOld = await publish(oldId);
      await verifier.verify(await signOld());
      const signNew = await publish(newId);
      pass(5_000);
      expect(await codeOf(verifier.verify(await signNew()))).toBe('ACCEPTED');
      expect(await codeOf(verifier.verify(await signOld()))).toBe('UNAUTHENTICATED');
    });

    it('requests the key set once for concurrent tokens with a new key', async () => {
      await verifier.verify(await (await publish('one'))());
      const sign = await publish('two');
      pass(5_000);
      const tokens = await Promise.all(Array.from({ length: 10 }, sign));
      const outcomes = await Promise.all(tokens.map((token) => codeOf(verifier.verify(token))));
      expect(new Set(outcomes)).toEqual(new Set(['ACCEPTED']));
      expect(keySet.requests).toBe(2);
    });

    it('requests the key set at most every four seconds for tokens with unknown keys', async () => {
      const sign = await publish('one');
      await verifier.verify(await sign());
      const { privateKey } = await generateKeyPair('ES256');
      const forge = (kid: string) =>
        new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
      for (let second = 0; second < 12; second += 1) {
        for (const kid of ['one', `made-up-${second}`, 'made-up']) {
          expect(await codeOf(verifier.verify(await forge(kid)))).toBe('UNAUTHENTICATED');
        }
        pass(1_000);
      }
      expect(keySet.requests).toBe(3);
      expect(await codeOf(verifier.verify(await sign()))).toBe('ACCEPTED');
    });

    it('limits the requests while the key set is unavailable', async () => {
      const sign = await publish('one');
      keySet.answer = { status: 503, body: '{}' };
      for (let index = 0; index < 10; index += 1) {
        expect(await codeOf(verifier.verify(await sign()))).toBe('UNAVAILABLE');
      }
      expect(keySet.requests).toBe(1);
      keySet.answer = undefined;
      pass(5_000);
      expect(await codeOf(verifier.verify(await sign()))).toBe('ACCEPTED');
    });

    it('accepts known keys while the key set is unavailable', async () => {
      const sign = await publish('one');
      await verifier.verify(await sign());
      const signNew = await publish('two');
      keySet.answer = { status: 503, body: '{}' };
      pass(5_000);
      expect(await codeOf(verifier.verify(await signNew()))).toBe('UNAVAILABLE');
      expect(await codeOf(verifier.verify(await sign()))).toBe('ACCEPTED');
    });
  });

  it('reports an unknown key as the failed check', async () => {
    keySet.keys = [{ ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'a' }];
    const { privateKey } = await generateKeyPair('ES256');
    const sign = (kid: string) =>
      new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
    expect(await failedCheckOf(verifier.verify(await sign('b')))).toBe('KEY_UNKNOWN');
    expect(await failedCheckOf(verifier.verify(await sign('a')))).toBe('SIGNATURE');
    const shared = signed(CLAIMS);
    expect(await failedCheckOf(verifier.verify(await shared))).toBe('ALGORITHM');
  });

  it.each([
    ['responds with an error', 503, '{}'],
    ['responds with HTML', 200, '<html>'],
    ['responds with malformed keys', 200, '{"keys": 1}'],
  ])('throws UNAVAILABLE if the key set server %s', async (_case, status, body) => {
    keySet.answer = { status, body };
    const { privateKey } = await generateKeyPair('ES256');
    const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    expect(await codeOf(verifier.verify(token))).toBe('UNAVAILABLE');
  });

  it('throws UNAVAILABLE if the key set server is down', async () => {
    await keySet.stop();
    const { privateKey } = await generateKeyPair('ES256');
    const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    expect(await codeOf(verifier.verify(token))).toBe('UNAVAILABLE');
  });
});
