/** Finds stored API keys, asking the store at most once a second for each. */

import { type AuthFailure, UnauthenticatedError } from '../domain/errors';
import type { ApiKeyRow, ApiKeys } from '../store/api-keys';
import { type ApiKeyPrincipal, SCOPES } from './principal';

/** Also how long a revoked key may go on to be accepted. */
const KEPT_MS = 1000;
/** Unknown keys are remembered too; this bounds what somebody who invents keys can make us hold. */
const MAX_KEPT = 1000;

/**
 * @returns a look-up by hash; the prefix of the key is for the log. It throws {UnauthenticatedError} where there is no such key or it was revoked. Requests
 *   that come at the same time share one query; a query that failed is not remembered.
 */
export function createKeyLookup(
  apiKeys: ApiKeys,
  now: () => Date,
): (hash: string, keyPrefix: string) => Promise<ApiKeyPrincipal> {
  const kept = new Map<
    string,
    { readonly found: Promise<ApiKeyPrincipal | AuthFailure>; readonly until: number }
  >();

  function find(hash: string): Promise<ApiKeyPrincipal | AuthFailure> {
    const time = now().getTime();
    const known = kept.get(hash);
    if (known && time < known.until) return known.found;

    const entry = { found: apiKeys.findByHash(hash).then(toPrincipal), until: time + KEPT_MS };
    kept.delete(hash); // so that the map stays in the order of asking, oldest first
    kept.set(hash, entry);
    entry.found.catch(() => {
      if (kept.get(hash) === entry) kept.delete(hash);
    });
    dropOldest(kept, MAX_KEPT);
    return entry.found;
  }

  return async (hash, keyPrefix) => {
    const found = await find(hash);
    if (typeof found === 'string') throw new UnauthenticatedError(found, { keyPrefix });
    return found;
  };
}

function dropOldest(kept: Map<string, unknown>, limit: number): void {
  for (const hash of kept.keys()) {
    if (kept.size <= limit) return;
    kept.delete(hash);
  }
}

/** A word where there is no such key or it was revoked. */
function toPrincipal(row: ApiKeyRow | null): ApiKeyPrincipal | AuthFailure {
  if (row === null) return 'UNKNOWN_KEY';
  if (row.revokedAt !== null) return 'REVOKED_KEY';
  const { id, name, scopes } = row;
  const known = SCOPES.filter((scope) => scopes.includes(scope));
  return { kind: 'API_KEY', keyId: id, name, scopes: new Set(known) };
}
