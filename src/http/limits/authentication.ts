/**
 * Finds out who is asking, the same at every door, and has an eye on those who fail.
 *
 * Only what fails is ever held back: behind the address from which somebody guesses there may be others with good
 * credentials, who share a proxy with them. Guessing is hopeless anyhow (a key holds 256 random bits); that it is answered
 * 429 tells clients whose credentials have become bad to come less often, and keeps them out of the log.
 */

import { isNativeError } from 'node:util/types';
import type { Authenticator } from '../../access/authenticator';
import type { Principal } from '../../access/principal';
import { GatewayError, UnauthenticatedError } from '../../domain/errors';
import { toNetwork } from '../io/client-address';
import type { EntryPoint, Observer } from '../observer';
import { createRateLimiter, type Monotonic } from './rate-limiter';
import type { LogRejection } from './rejection-log';

export interface Authentication {
  /**
   * @param credentials - See `Authenticator.authenticate`.
   * @param address - Of whoever shows them.
   * @throws {GatewayError} UNAUTHENTICATED; {RateLimitedError} in its place where too many came from there.
   */
  authenticate(
    credentials: string | undefined,
    address: string,
    door: EntryPoint,
  ): Promise<Principal>;
}

export interface AuthenticationOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly observer: Pick<Observer, 'refused'>;
  readonly logRejection: LogRejection;
  readonly now: Monotonic;
}

/** Bad credentials from one address, at all doors. */
const FAILURES = { burst: 100, perSecond: 2 };

export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { authenticator, observer, logRejection, now } = options;
  const failures = createRateLimiter({ ...FAILURES, now });

  /** A token that has run out was good: many may do so at once behind one proxy, and each is to be told to fetch another. */
  function assertPatience({ refusal }: UnauthenticatedError, address: string): void {
    if (refusal !== 'EXPIRED_TOKEN') failures.assertLeft(toNetwork(address));
  }

  return {
    async authenticate(credentials, address, door) {
      try {
        return await authenticator.authenticate(credentials);
      } catch (error) {
        if (isKeySetAway(error)) {
          logRejection(
            { door, cause: causeOf(error) },
            'the key set at JWT_JWKS_URL cannot be read',
          );
        }
        if (!(error instanceof UnauthenticatedError)) throw error;
        const { refusal, keyPrefix, failedCheck } = error;
        observer.refused(door, refusal);
        assertPatience(error, address);
        const detail = {
          ...(keyPrefix !== null && { keyPrefix }),
          ...(failedCheck !== null && { failedCheck }),
        };
        logRejection({ door, address, refusal, ...detail }, 'credentials were refused');
        throw error;
      }
    },
  };
}

function isKeySetAway(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === 'UNAVAILABLE';
}

/** Without a stack: each token that is shown meanwhile fails for the same cause. */
function causeOf({ cause }: GatewayError): string {
  const innermost = isNativeError(cause) && isNativeError(cause.cause) ? cause.cause : cause;
  if (!isNativeError(innermost)) return 'unknown';
  return 'code' in innermost ? String(innermost.code) : innermost.name;
}
