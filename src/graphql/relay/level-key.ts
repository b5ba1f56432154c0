/** Level names in filters. */

import { GatewayError } from '../../domain/errors';
import { type LevelKey, levelKey, type ProviderId } from '../../domain/level';
import type { ProviderListing } from '../enums/provider.enum';

/**
 * Returns the level key for the `level` and `provider` of a filter. `level` is a full key, such as
 * `sumsub/basic-kyc-level`, or only the level name with a separate `provider`. A name may contain slashes, so a full key is recognized by
 * the slug of a provider.
 *
 * @throws {GatewayError} INPUT_INVALID for a name without a provider.
 */
export function toLevelKey(
  level: string | null | undefined,
  provider: ProviderId | null | undefined,
  providers: readonly ProviderListing[],
): LevelKey | undefined {
  if (level === null || level === undefined) return undefined;
  if (providers.some(({ id }) => level.startsWith(`${id}/`))) return level;
  if (provider) return levelKey(provider, level);
  throw new GatewayError(
    'INPUT_INVALID',
    '`level` must be `provider/name`, such as `sumsub/basic-kyc-level`, or only the level name, if you also set `provider`.',
  );
}
