/** Turns credentials into a principal. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { UnauthenticatedError } from '../domain/errors';
import type { ApiKeys } from '../store/api-keys';
import type { Erasures } from '../store/erasure/erasures';
import { hashApiKey, parseApiKey } from './api-key';
import { CLOCK_TOLERANCE_S, type JwtVerifier } from './jwt';
import { createKeyLookup } from './key-lookup';
import { type ApiKeyPrincipal, type Principal, SCOPES } from './principal';

export interface Authenticator {
  /**
   * @param authorization - Value of the `Authorization` header or of `connectionParams.authorization`:
   *   `Bearer <API key or JWT>`; for connection params also the bare key or token.
   * @throws {GatewayError} UNAUTHENTICATED if it is missing, malformed, unknown, revoked or expired; UNAVAILABLE if the key set
   *   of tokens cannot be read.
   */
  authenticate(authorization: string | undefined): Promise<Principal>;

  /**
   * Which of these principals no longer hold: revoked keys, expired tokens, users who were erased. Two queries at most,
   * however many are given.
   */
  findInvalid(principals: readonly Principal[]): Promise<ReadonlySet<Principal>>;
}

export interface AuthenticatorOptions {
  readonly apiKeys: ApiKeys;
  readonly erasures: Pick<Erasures, 'erasedSince'>;
  /** A key with every scope that lives in the configuration alone; `null`: there is none. */
  readonly bootstrapApiKey: string | null;
  /** `null`: end users have no access. */
  readonly jwt: JwtVerifier | null;
  readonly now: () => Date;
}

/** Longer than any token that an issuer gives out, shorter than what would cost something to look at. */
const MAX_CREDENTIAL_LENGTH = 8192;

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { apiKeys, erasures, jwt, now } = options;
  const lookup = createKeyLookup(apiKeys, now);
  const isBootstrapKey = equalityTo(options.bootstrapApiKey);

  return {
    async authenticate(authorization) {
      const credential = readCredential(authorization);
      if (isBootstrapKey(credential)) return BOOTSTRAP_PRINCIPAL;
      const key = parseApiKey(credential);
      if (key !== undefined) return lookup(hashApiKey(credential), key.prefix);
      if (jwt !== null) return jwt.verify(credential);
      throw new UnauthenticatedError('MALFORMED');
    },

    async findInvalid(principals) {
      const keyIds = principals.flatMap((principal) => storedKeyId(principal) ?? []);
      const revoked = keyIds.length > 0 ? await apiKeys.revokedAmong([...new Set(keyIds)]) : NONE;
      const isErased = await erasedAmong(principals);
      return new Set(
        principals.filter(
          (principal) =>
            hasExpired(principal, now()) || isAmong(revoked, principal) || isErased(principal),
        ),
      );
    },
  };

  /** Whoever shows a token after an erasure may be somebody new. */
  async function erasedAmong(
    principals: readonly Principal[],
  ): Promise<(principal: Principal) => boolean> {
    const users = principals.filter((principal) => principal.kind === 'USER');
    if (users.length === 0) return () => false;
    const first = Math.min(...users.map(({ since }) => since.getTime()));
    const erasedAt = await erasures.erasedSince(new Date(first - CLOCK_TOLERANCE_S * 1000));
    return (principal) => {
      if (principal.kind !== 'USER') return false;
      const at = erasedAt(principal.externalUserId)?.getTime() ?? Number.NEGATIVE_INFINITY;
      return at + CLOCK_TOLERANCE_S * 1000 >= principal.since.getTime();
    };
  }
}

const BOOTSTRAP_PRINCIPAL: ApiKeyPrincipal = {
  kind: 'API_KEY',
  keyId: null,
  name: 'bootstrap',
  scopes: new Set(SCOPES),
};

const NONE: ReadonlySet<number> = new Set();

function readCredential(authorization: string | undefined): string {
  if (authorization === undefined) throw new UnauthenticatedError('MISSING');
  const [, credential] = /^(?:bearer +)?([^\s]+)$/i.exec(authorization.trim()) ?? [];
  const readable = credential !== undefined && credential.length <= MAX_CREDENTIAL_LENGTH;
  if (!readable) throw new UnauthenticatedError('MALFORMED');
  return credential;
}

/** Compares digests, so that the time taken tells neither the content of the secret nor its length. */
function equalityTo(secret: string | null): (candidate: string) => boolean {
  if (secret === null) return () => false;
  const expected = sha256(secret);
  return (candidate) => timingSafeEqual(sha256(candidate), expected);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function storedKeyId(principal: Principal): number | undefined {
  return principal.kind === 'API_KEY' && principal.keyId !== null ? principal.keyId : undefined;
}

function isAmong(revoked: ReadonlySet<number>, principal: Principal): boolean {
  const keyId = storedKeyId(principal);
  return keyId !== undefined && revoked.has(keyId);
}

/** With the same tolerance as at the door: a token that was let in is not put out in the same second. */
function hasExpired(principal: Principal, now: Date): boolean {
  if (principal.kind !== 'USER' || principal.expiresAt === null) return false;
  return principal.expiresAt.getTime() + CLOCK_TOLERANCE_S * 1000 <= now.getTime();
}
