/**
 * Authenticates callers of every entry point, and limits the rate of failures by client address.
 *
 * Valid credentials are never rate-limited: other clients may share the address, for example behind a proxy. An API key has
 * 256 random bits, so the limit does not protect against guessing. It makes clients with invalid credentials retry less
 * often, and keeps them from filling the log.
 */

import { isNativeError } from 'node:util/types';
import type { Authenticator } from '../../access/authenticator';
import type { Principal } from '../../access/principal';
import { type AuthFailure, GatewayError, UnauthenticatedError } from '../../domain/errors';
import { toNetwork } from './client-address';
import { createRateLimiter, type Monotonic } from './rate-limiter';
import type { LogRejection } from './rejection-log';

/** Part of the server that received the credentials. */
export type EntryPoint = 'http' | 'websocket' | 'metrics';

export interface Authentication {
  /**
   * @param credentials - See `Authenticator.authenticate`.
   * @param address - Address of the client.
   * @throws {GatewayError} UNAUTHENTICATED, or UNAVAILABLE if tokens cannot be verified.
   * @throws {RateLimitedError} Instead of UNAUTHENTICATED, after too many failures from the network of `address`.
   */
  authenticate(
    credentials: string | undefined,
    address: string,
    entryPoint: EntryPoint,
  ): Promise<Principal>;
}

export interface AuthenticationOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly observer: { authenticationFailed(entryPoint: EntryPoint, reason: AuthFailure): void };
  readonly logRejection: LogRejection;
  readonly now: Monotonic;
}

/** Failures from one network, over all entry points. */
const FAILURES = { burst: 100, perSecond: 2 };

export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { authenticator, observer, logRejection, now } = options;
  const failures = createRateLimiter({ ...FAILURES, now });

  /** Expired tokens do not count: many may expire at once behind one proxy, and each client must get the 401 to refresh. */
  function assertFailureAllowed({ reason }: UnauthenticatedError, address: string): void {
    if (reason !== 'EXPIRED_TOKEN') failures.assertLeft(toNetwork(address));
  }

  return {
    async authenticate(credentials, address, entryPoint) {
      try {
        return await authenticator.authenticate(credentials);
      } catch (error) {
        if (isKeySetUnavailable(error)) {
          logRejection(
            { entryPoint, cause: getCause(error) },
            'failed to load the key set at JWT_JWKS_URL',
          );
        }
        if (!(error instanceof UnauthenticatedError)) throw error;
        const { reason, keyPrefix, failedCheck } = error;
        observer.authenticationFailed(entryPoint, reason);
        assertFailureAllowed(error, address);
        const detail = {
          ...(keyPrefix !== null && { keyPrefix }),
          ...(failedCheck !== null && { failedCheck }),
        };
        logRejection({ entryPoint, address, reason, ...detail }, 'rejected credentials');
        throw error;
      }
    },
  };
}

function isKeySetUnavailable(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === 'UNAVAILABLE';
}

/** Error code or name, without a stack: during an outage every token fails with the same cause. */
function getCause({ cause }: GatewayError): string {
  const innermost = isNativeError(cause) && isNativeError(cause.cause) ? cause.cause : cause;
  if (!isNativeError(innermost)) return 'unknown';
  return 'code' in innermost ? String(innermost.code) : innermost.name;
}
