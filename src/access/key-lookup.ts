/** Looks up stored API keys, with a cache that queries the store at most once per second and key. */

import { type AuthFailure, UnauthenticatedError } from '../domain/errors';
import type { ApiKeyRow, ApiKeys } from '../store/api-keys';
import { type ApiKeyPrincipal, SCOPES } from './principal';

/** Lifetime of a cache entry. A revoked key may be accepted for this long. */
const CACHE_MS = 1000;
/** Maximum number of cache entries. Unknown keys are cached too, so this bounds the memory a client with invented keys can use. */
const MAX_CACHED = 1000;

type Lookup = (hash: string, keyPrefix: string) => Promise<ApiKeyPrincipal>;

/**
 * Returns a function that finds a key by hash; the prefix is only logged. It throws `UnauthenticatedError` if the key is unknown or
 * revoked. Concurrent lookups of a key share one query. A failed query is not cached.
 */
export function createKeyLookup(apiKeys: ApiKeys, now: () => Date): Lookup {
  const cache = new Map<
    string,
    { readonly found: Promise<ApiKeyPrincipal | AuthFailure>; readonly until: number }
  >();

  function find(hash: string): Promise<ApiKeyPrincipal | AuthFailure> {
    const time = now().getTime();
    const known = cache.get(hash);
    if (known && time < known.until) return known.found;

    const entry = { found: apiKeys.findByHash(hash).then(toPrincipal), until: time + CACHE_MS };
    cache.delete(hash); // keeps the map in the order of the queries, oldest first
    cache.set(hash, entry);
    entry.found.catch(() => {
      if (cache.get(hash) === entry) cache.delete(hash);
    });
    evictOldest(cache, MAX_CACHED);
    return entry.found;
  }

  return async (hash, keyPrefix) => {
    const found = await find(hash);
    if (typeof found === 'string') throw new UnauthenticatedError(found, { keyPrefix });
    return found;
  };
}

function evictOldest(cache: Map<string, unknown>, limit: number): void {
  for (const hash of cache.keys()) {
    if (cache.size <= limit) return;
    cache.delete(hash);
  }
}

function toPrincipal(row: ApiKeyRow | null): ApiKeyPrincipal | AuthFailure {
  if (row === null) return 'UNKNOWN_KEY';
  if (row.revokedAt !== null) return 'REVOKED_KEY';
  const { id, name, scopes } = row;
  const known = SCOPES.filter((scope) => scopes.includes(scope));
  return { kind: 'API_KEY', keyId: id, name, scopes: new Set(known) };
}
