/** The one answer to bad credentials. */

import { GatewayError } from '../domain/errors';

/** Missing, malformed, unknown, revoked, expired: the caller is not told which. */
export class UnauthenticatedError extends GatewayError {
  constructor(options?: ErrorOptions) {
    super(
      'UNAUTHENTICATED',
      'expected a valid API key or token: `Authorization: Bearer …`',
      options,
    );
  }
}
