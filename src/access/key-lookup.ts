/** Finds stored API keys, asking the store at most once a second for each. */

import type { ApiKeyRow, ApiKeys } from '../store/store';
import { type ApiKeyPrincipal, SCOPES } from './principal';
import { UnauthenticatedError } from './unauthenticated';

/** Also how long a revoked key may go on to be accepted. */
const KEPT_MS = 1000;
/** Unknown keys are remembered too; this bounds what somebody who invents keys can make us hold. */
const MAX_KEPT = 1000;

/**
 * @returns a look-up by hash. It throws {UnauthenticatedError} where there is no such key or it was revoked. Requests
 *   that come at the same time share one query; a query that failed is not remembered.
 */
export function createKeyLookup(
  apiKeys: ApiKeys,
  now: () => Date,
): (hash: string) => Promise<ApiKeyPrincipal> {
  const kept = new Map<
    string,
    { readonly row: Promise<ApiKeyRow | null>; readonly until: number }
  >();

  function find(hash: string): Promise<ApiKeyRow | null> {
    const time = now().getTime();
    const known = kept.get(hash);
    if (known && time < known.until) return known.row;

    const entry = { row: apiKeys.findByHash(hash), until: time + KEPT_MS };
    kept.delete(hash); // so that the map stays in the order of asking, oldest first
    kept.set(hash, entry);
    entry.row.catch(() => {
      if (kept.get(hash) === entry) kept.delete(hash);
    });
    dropOldest(kept, MAX_KEPT);
    return entry.row;
  }

  return async (hash) => {
    const row = await find(hash);
    if (row === null || row.revokedAt !== null) throw new UnauthenticatedError();
    return toPrincipal(row);
  };
}

function dropOldest(kept: Map<string, unknown>, limit: number): void {
  for (const hash of kept.keys()) {
    if (kept.size <= limit) return;
    kept.delete(hash);
  }
}

function toPrincipal({ id, name, scopes }: ApiKeyRow): ApiKeyPrincipal {
  const known = SCOPES.filter((scope) => scopes.includes(scope));
  return { kind: 'API_KEY', keyId: id, name, scopes: new Set(known) };
}
