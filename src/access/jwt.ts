/** Verifies tokens of end users: JSON Web Tokens signed with a shared secret or with a key of a JSON Web Key Set. */

import {
  type CryptoKey,
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { GatewayError, type TokenCheck, UnauthenticatedError } from '../domain/errors';
import { isWellFormedText } from '../domain/text';
import type { EndUserPrincipal } from './principal';

/** Maximum difference between the clocks of the gateway and the issuer. */
export const CLOCK_TOLERANCE_S = 5;

/** Minimum time between two requests for the key set. A new key is accepted at most this long after its publication. */
const RELOAD_MS = 4_000;

export interface JwtOptions {
  /** Any of the secrets is accepted, so that they can be rotated without logging users out. */
  readonly source: { readonly secrets: readonly string[] } | { readonly jwksUrl: string };
  readonly issuer: string;
  readonly audience: string;
}

export interface JwtVerifier {
  /**
   * Verifies signature, issuer, audience and lifetime of a token.
   *
   * @throws {UnauthenticatedError} If the token is invalid.
   * @throws {GatewayError} UNAVAILABLE if the key set cannot be loaded.
   */
  verify(token: string): Promise<EndUserPrincipal>;
}

/**
 * Each kind of source has its own list of algorithms, so that a token cannot choose one. Neither contains `none`, and a public key
 * is never used as a shared secret.
 */
const SECRET_ALGORITHMS = ['HS256'];
const KEY_SET_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

type Key = CryptoKey | Uint8Array;

type VerifyToken = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>;

/** @param now - Clock for `exp`, `nbf` and the interval between requests for the key set. */
export function createJwtVerifier(trusted: JwtOptions, now: () => Date): JwtVerifier {
  const verify =
    'secrets' in trusted.source
      ? createSecretVerifier(trusted.source.secrets)
      : createKeySetVerifier(trusted.source.jwksUrl, now);

  return {
    async verify(token) {
      const options = {
        issuer: trusted.issuer,
        audience: trusted.audience,
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: now(),
        requiredClaims: ['exp', 'sub'],
      };
      const claims = await verify(token, options).catch((error: unknown) => {
        throw toGatewayError(error);
      });
      return toPrincipal(claims, options.currentDate);
    },
  };
}

function createSecretVerifier(secrets: readonly string[]): VerifyToken {
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  return (token, options) =>
    verifyWithAny(keys, token, { ...options, algorithms: SECRET_ALGORITHMS });
}

function createKeySetVerifier(jwksUrl: string, now: () => Date): VerifyToken {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: Number.POSITIVE_INFINITY });
  let loaded = 0;
  const reload = throttle(RELOAD_MS, now, async () => {
    await keys.reload();
    loaded += 1;
  });

  async function check(token: string, checks: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, keys, checks)).payload;
    } catch (error) {
      // A token without a key ID may be signed by any key with a matching algorithm.
      if (error instanceof errors.JWKSMultipleMatchingKeys)
        return verifyWithAny(error, token, checks);
      throw error;
    }
  }

  return async (token, options) => {
    const checks = { ...options, algorithms: KEY_SET_ALGORITHMS };
    if (!keys.fresh) await reload();
    const before = loaded;
    try {
      return await check(token, checks);
    } catch (error) {
      if (!mayHaveNewKey(error)) throw error;
      await reload();
      if (loaded === before) throw error; // no newer keys
      return check(token, checks);
    }
  };
}

/** If an issuer without key IDs replaces its key, the signature check fails. */
function mayHaveNewKey(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed
  );
}

/**
 * Returns the outcome of the last call until `intervalMs` have passed since it, even if it failed. Forged tokens therefore cannot
 * cause a request to the issuer each.
 */
function throttle(
  intervalMs: number,
  now: () => Date,
  work: () => Promise<void>,
): () => Promise<void> {
  let last: { readonly at: number; readonly done: Promise<void> } | null = null;
  return () => {
    const at = now().getTime();
    const passed = last === null ? intervalMs : at - last.at;
    if (last === null || passed >= intervalMs || passed < 0) last = { at, done: work() };
    return last.done;
  };
}

async function verifyWithAny(
  keys: Iterable<Key> | AsyncIterable<Key>,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

function toPrincipal({ sub, exp, scope }: JWTPayload, authenticatedAt: Date): EndUserPrincipal {
  // A malformed ID could match another user in the database.
  const valid = typeof sub === 'string' && sub !== '' && isWellFormedText(sub);
  if (!valid) throw new UnauthenticatedError('INVALID_TOKEN', { failedCheck: 'SUBJECT' });
  if (exp === undefined) throw new UnauthenticatedError('INVALID_TOKEN', { failedCheck: 'EXPIRY' });
  const granted = typeof scope === 'string' ? scope.split(' ') : [];
  return {
    kind: 'USER',
    externalUserId: sub,
    scopes: new Set(granted.includes('pii:read') ? ['pii:read'] : []),
    expiresAt: new Date(exp * 1000),
    authenticatedAt,
  };
}

/** If the key set cannot be loaded, the token may be valid: the response is UNAVAILABLE, so that the user stays logged in. */
function toGatewayError(error: unknown): GatewayError {
  const keySetUnavailable =
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === 'ERR_JOSE_GENERIC';
  if (!keySetUnavailable) {
    // Claims are checked only if the signature is valid.
    const reason = error instanceof errors.JWTExpired ? 'EXPIRED_TOKEN' : 'INVALID_TOKEN';
    const failedCheck = getFailedCheck(error);
    return new UnauthenticatedError(reason, { cause: error, failedCheck });
  }
  return new GatewayError(
    'UNAVAILABLE',
    'The key set for tokens is unavailable. Retry after the `Retry-After` interval.',
    {
      cause: error,
    },
  );
}

const CLAIM_CHECKS: Readonly<Record<string, TokenCheck>> = {
  iss: 'ISSUER',
  aud: 'AUDIENCE',
  exp: 'EXPIRY',
  nbf: 'NOT_BEFORE',
  sub: 'SUBJECT',
};

function getFailedCheck(error: errors.JOSEError): TokenCheck {
  if (error instanceof errors.JWTExpired) return 'EXPIRY';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return CLAIM_CHECKS[error.claim] ?? 'FORMAT';
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'ALGORITHM';
  if (error instanceof errors.JWKSNoMatchingKey) return 'KEY_UNKNOWN';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'SIGNATURE';
  return 'FORMAT';
}
