/** An authenticator with two keys, for tests of the code behind it. */

import type { Authenticator } from '../../src/access/authenticator';
import type { ApiKeyPrincipal, Principal, Scope } from '../../src/access/principal';
import { StoreUnavailableError, UnauthenticatedError } from '../../src/domain/errors';

export const GOOD_KEY = 'good-key';
export const OTHER_KEY = 'other-key';

export interface TestAuthenticator extends Authenticator {
  /** From now on this key is worth nothing. */
  revoke(key: string): void;
  /** From now on nothing can be looked up. */
  fail(): void;
}

/** @param scopes - Of both keys. */
export function createTestAuthenticator(scopes: readonly Scope[] = ['read']): TestAuthenticator {
  const live = new Set([GOOD_KEY, OTHER_KEY]);
  const keyOf = new Map<Principal, string>();
  let failing = false;
  return {
    async authenticate(authorization) {
      if (failing) throw new StoreUnavailableError();
      const key = authorization?.replace(/^Bearer /, '') ?? '';
      if (!live.has(key)) throw new UnauthenticatedError('UNKNOWN_KEY');
      const principal: ApiKeyPrincipal = {
        kind: 'API_KEY',
        keyId: 1,
        name: key,
        scopes: new Set(scopes),
      };
      keyOf.set(principal, key);
      return principal;
    },
    async findInvalid(principals) {
      return new Set(principals.filter((each) => !live.has(keyOf.get(each) ?? '')));
    },
    revoke: (key) => void live.delete(key),
    fail() {
      failing = true;
    },
  };
}
