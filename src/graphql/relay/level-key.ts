/** Levels as clients name them. */

import { GatewayError } from '../../domain/errors';
import { type LevelKey, levelKey, type ProviderId } from '../../domain/level';
import type { ProviderListing } from '../enums/provider.enum';

/**
 * The key for a filter's `level`: either a whole key (`sumsub/basic-kyc-level`), or a name beside a provider. A name may
 * hold slashes, so it is the vendors' slugs that tell the two apart.
 *
 * @throws {GatewayError} INPUT_INVALID for a bare name without a provider.
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
    '`level` must be `provider/name`, such as `sumsub/basic-kyc-level`, or a name together with `provider`.',
  );
}
