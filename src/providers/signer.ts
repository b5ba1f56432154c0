/** Signs a body as its vendor would, for webhooks that we send ourselves to try a gateway out. */

import { UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import type { SignedDelivery, SignOptions } from './provider';
import { PROVIDERS } from './registry';

/**
 * @param options - What the gateway is configured to; absent: what is usual.
 * @throws {UnknownProviderError} if there is no such vendor.
 */
export function signDelivery(
  providerId: ProviderId,
  body: Buffer,
  secret: string,
  options: SignOptions = {},
): SignedDelivery {
  const provider = PROVIDERS.find(({ id }) => id === providerId);
  if (!provider) throw new UnknownProviderError();
  return provider.sign(body, secret, options);
}
