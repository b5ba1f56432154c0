/** End users' tokens: JSON Web Tokens signed with a shared secret or with a key of a published set. */

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

/** How far our clock and the issuer's may differ. */
export const CLOCK_TOLERANCE_S = 5;

/** Least time between two requests for the key set. A new key is accepted this long after its publication at the latest. */
const RELOAD_MS = 4_000;

export interface JwtOptions {
  /** Any of the secrets is accepted, so that they can be rotated without logging users out. */
  readonly source: { readonly secrets: readonly string[] } | { readonly jwksUrl: string };
  readonly issuer: string;
  readonly audience: string;
}

export interface JwtVerifier {
  /** @throws {UnauthenticatedError} unless the token is signed, ours and current. */
  verify(token: string): Promise<EndUserPrincipal>;
}

/**
 * Each kind of source has its own list of algorithms, so that a token cannot choose one: `none` is in neither, and a
 * public key is never taken for a shared secret.
 */
const SECRET_ALGORITHMS = ['HS256'];
const KEY_SET_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

type Key = CryptoKey | Uint8Array;

type CheckSignature = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>;

/** @param now - Clock for `exp`, `nbf` and the time between two requests for the key set. */
export function createJwtVerifier(trusted: JwtOptions, now: () => Date): JwtVerifier {
  const check =
    'secrets' in trusted.source
      ? bySecrets(trusted.source.secrets)
      : byKeySet(trusted.source.jwksUrl, now);

  return {
    async verify(token) {
      const options = {
        issuer: trusted.issuer,
        audience: trusted.audience,
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: now(),
        requiredClaims: ['exp', 'sub'],
      };
      const claims = await check(token, options).catch((error: unknown) => {
        throw toRefusal(error);
      });
      return toPrincipal(claims, options.currentDate);
    },
  };
}

function bySecrets(secrets: readonly string[]): CheckSignature {
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  return (token, options) => byAnyOf(keys, token, { ...options, algorithms: SECRET_ALGORITHMS });
}

function byKeySet(jwksUrl: string, now: () => Date): CheckSignature {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: Number.POSITIVE_INFINITY });
  let loaded = 0;
  const reload = atMostEvery(RELOAD_MS, now, async () => {
    await keys.reload();
    loaded += 1;
  });

  async function check(token: string, checks: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, keys, checks)).payload;
    } catch (error) {
      // A token without a key id may have been signed by any of the keys that fit its algorithm.
      if (error instanceof errors.JWKSMultipleMatchingKeys) return byAnyOf(error, token, checks);
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
      if (!mayBeOfNewKey(error)) throw error;
      await reload();
      if (loaded === before) throw error; // the keys are those that the token was checked against
      return check(token, checks);
    }
  };
}

/** An issuer that gives its keys no ids replaces one by another: then the signature is what fails. */
function mayBeOfNewKey(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed
  );
}

/**
 * Repeats the outcome of the last call until `intervalMs` have passed since it. Tokens that are made up can therefore not
 * cause requests to the issuer one by one, whether it answers or not.
 */
function atMostEvery(
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

async function byAnyOf(
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

function toPrincipal({ sub, exp, scope }: JWTPayload, since: Date): EndUserPrincipal {
  const named = typeof sub === 'string' && sub !== '' && isWellFormedText(sub); // else it would find somebody else
  if (!named) throw new UnauthenticatedError('INVALID_TOKEN', { failedCheck: 'SUBJECT' });
  if (exp === undefined) throw new UnauthenticatedError('INVALID_TOKEN', { failedCheck: 'EXPIRY' });
  const granted = typeof scope === 'string' ? scope.split(' ') : [];
  return {
    kind: 'USER',
    externalUserId: sub,
    scopes: new Set(granted.includes('pii:read') ? ['pii:read'] : []),
    expiresAt: new Date(exp * 1000),
    since,
  };
}

/** A key set that cannot be fetched says nothing about the token: its bearer must not be logged out for it. */
function toRefusal(error: unknown): GatewayError {
  const keySetAway =
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === 'ERR_JOSE_GENERIC';
  if (!keySetAway) {
    // Claims are read only if the signature is valid.
    const refusal = error instanceof errors.JWTExpired ? 'EXPIRED_TOKEN' : 'INVALID_TOKEN';
    const failedCheck = failedCheckOf(error);
    return new UnauthenticatedError(refusal, { cause: error, failedCheck });
  }
  return new GatewayError(
    'UNAVAILABLE',
    'tokens cannot be checked now; send the same request later',
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

function failedCheckOf(error: errors.JOSEError): TokenCheck {
  if (error instanceof errors.JWTExpired) return 'EXPIRY';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return CLAIM_CHECKS[error.claim] ?? 'FORMAT';
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'ALGORITHM';
  if (error instanceof errors.JWKSNoMatchingKey) return 'KEY_UNKNOWN';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'SIGNATURE';
  return 'FORMAT';
}
