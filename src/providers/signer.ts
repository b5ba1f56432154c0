/** Signs simulated webhooks. */

import { UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import type { SignedRequest, SignOptions } from './provider';
import { PROVIDERS } from './registry';

/**
 * Signs a body like the provider.
 *
 * @param options - Formats that the gateway is configured for. Defaults to the usual ones.
 * @throws {UnknownProviderError} If the provider does not exist.
 */
export function signDelivery(
  providerId: ProviderId,
  body: Buffer,
  secret: string,
  options: SignOptions = {},
): SignedRequest {
  const provider = PROVIDERS.find(({ id }) => id === providerId);
  if (!provider) throw new UnknownProviderError();
  return provider.sign(body, secret, options);
}
