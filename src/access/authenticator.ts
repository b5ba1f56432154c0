/** Authenticates callers by API key or JWT. */

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
   * Returns the caller with these credentials.
   *
   * @param authorization - Value of the `Authorization` header or of `connectionParams.authorization`: `Bearer <key or token>`,
   *   or the bare key or token.
   * @throws {UnauthenticatedError} If the credentials are missing, malformed, unknown, revoked or expired.
   * @throws {GatewayError} UNAVAILABLE if the key set for tokens cannot be loaded.
   */
  authenticate(authorization: string | undefined): Promise<Principal>;

  /**
   * Returns the principals that are no longer valid: revoked keys, expired tokens and erased users. Executes at most two queries,
   * for any number of principals.
   */
  findInvalid(principals: readonly Principal[]): Promise<ReadonlySet<Principal>>;
}

export interface AuthenticatorOptions {
  readonly apiKeys: ApiKeys;
  readonly erasures: Pick<Erasures, 'erasedSince'>;
  /** Key with all scopes, which exists only in the configuration. `null` if not configured. */
  readonly bootstrapApiKey: string | null;
  /** `null`: end users have no access. */
  readonly jwt: JwtVerifier | null;
  readonly now: () => Date;
}

/** Longer than any real token, short enough to reject without cost. */
const MAX_CREDENTIAL_LENGTH = 8192;

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { apiKeys, erasures, jwt, now } = options;
  const lookup = createKeyLookup(apiKeys, now);
  const isBootstrapKey = createComparison(options.bootstrapApiKey);

  return {
    async authenticate(authorization) {
      const credential = parseCredential(authorization);
      if (isBootstrapKey(credential)) return BOOTSTRAP_PRINCIPAL;
      const key = parseApiKey(credential);
      if (key !== undefined) return lookup(hashApiKey(credential), key.prefix);
      if (jwt !== null) return jwt.verify(credential);
      throw new UnauthenticatedError('MALFORMED');
    },

    async findInvalid(principals) {
      const keyIds = principals.flatMap((principal) => getStoredKeyId(principal) ?? []);
      const revoked = keyIds.length > 0 ? await apiKeys.revokedAmong([...new Set(keyIds)]) : NONE;
      const isErased = await findErased(principals);
      return new Set(
        principals.filter(
          (principal) =>
            hasExpired(principal, now()) || isRevoked(principal, revoked) || isErased(principal),
        ),
      );
    },
  };

  /** A token used after the erasure may belong to a new user with the same ID, so it stays valid. */
  async function findErased(
    principals: readonly Principal[],
  ): Promise<(principal: Principal) => boolean> {
    const users = principals.filter((principal) => principal.kind === 'USER');
    if (users.length === 0) return () => false;
    const first = Math.min(...users.map(({ authenticatedAt }) => authenticatedAt.getTime()));
    const erasedAt = await erasures.erasedSince(new Date(first - CLOCK_TOLERANCE_S * 1000));
    return (principal) => {
      if (principal.kind !== 'USER') return false;
      const at = erasedAt(principal.externalUserId)?.getTime() ?? Number.NEGATIVE_INFINITY;
      return at + CLOCK_TOLERANCE_S * 1000 >= principal.authenticatedAt.getTime();
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

function parseCredential(authorization: string | undefined): string {
  if (authorization === undefined) throw new UnauthenticatedError('MISSING');
  const [, credential] = /^(?:bearer +)?([^\s]+)$/i.exec(authorization.trim()) ?? [];
  const valid = credential !== undefined && credential.length <= MAX_CREDENTIAL_LENGTH;
  if (!valid) throw new UnauthenticatedError('MALFORMED');
  return credential;
}

/** Compares digests, so that timing reveals neither the content nor the length of the secret. */
function createComparison(secret: string | null): (candidate: string) => boolean {
  if (secret === null) return () => false;
  const expected = sha256(secret);
  return (candidate) => timingSafeEqual(sha256(candidate), expected);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function getStoredKeyId(principal: Principal): number | undefined {
  return principal.kind === 'API_KEY' && principal.keyId !== null ? principal.keyId : undefined;
}

function isRevoked(principal: Principal, revoked: ReadonlySet<number>): boolean {
  const keyId = getStoredKeyId(principal);
  return keyId !== undefined && revoked.has(keyId);
}

/** Uses the same tolerance as `authenticate`, so that a token just accepted is not rejected immediately. */
function hasExpired(principal: Principal, now: Date): boolean {
  if (principal.kind !== 'USER' || principal.expiresAt === null) return false;
  return principal.expiresAt.getTime() + CLOCK_TOLERANCE_S * 1000 <= now.getTime();
}
