/** Limits per caller and per network on open WebSockets, operations in progress and operations per second. */

import type { Principal } from '../../access/principal';
import { GatewayError } from '../../domain/errors';
import { toNetwork } from './client-address';
import { createConcurrencyLimiter, type Release } from './concurrency-limiter';
import type { QuotaLimits } from './limits';
import { createRateLimiter, type Monotonic } from './rate-limiter';

export interface Quotas {
  /** Counts a WebSocket by network, before authentication. Returns null if the network has too many. */
  acquireConnection(address: string): Release | null;
  /** Counts a WebSocket by caller, after authentication. Returns null if the caller has too many. */
  acquireSession(principal: Principal): Release | null;
  /**
   * Counts an operation by network and by caller.
   *
   * @throws {RateLimitedError} If the caller exceeds its operations per second.
   * @throws {TooManyOperationsError} If the network or the caller has too many operations in progress.
   */
  acquireOperation(principal: Principal, address: string): Release;
}

export class TooManyOperationsError extends GatewayError {
  constructor(limit: number) {
    super(
      'TOO_MANY_SUBSCRIPTIONS',
      `At most ${limit} operations may be in progress at the same time. Complete one first.`,
    );
  }
}

export function createQuotas(limits: QuotaLimits, now: Monotonic): Quotas {
  const { operationsPerSecond: perSecond } = limits;
  const networks = createShares(limits.socketsPerAddress, limits.operationsPerAddress);
  const callers = {
    API_KEY: createShares(limits.socketsPerKey, limits.operationsPerKey),
    USER: createShares(limits.socketsPerUser, limits.operationsPerUser),
  };
  const rate = perSecond === null ? null : createRateLimiter({ perSecond, now });

  return {
    acquireConnection: (address) => networks.acquireSocket(toNetwork(address)),
    acquireSession: (principal) => callers[principal.kind].acquireSocket(toKey(principal)),
    acquireOperation(principal, address) {
      rate?.assertLeft(`${principal.kind} ${toKey(principal)}`);
      const releaseNetwork = networks.acquireOperation(toNetwork(address));
      try {
        const releaseCaller = callers[principal.kind].acquireOperation(toKey(principal));
        return () => {
          releaseCaller();
          releaseNetwork();
        };
      } catch (error) {
        releaseNetwork();
        throw error;
      }
    },
  };
}

/** Sockets and operations of each key, counted separately. */
function createShares(maxSockets: number, maxOperations: number) {
  const sockets = createConcurrencyLimiter(maxSockets);
  const operations = createConcurrencyLimiter(maxOperations);
  return {
    acquireSocket: sockets.acquire,
    acquireOperation(key: string): Release {
      const release = operations.acquire(key);
      if (release === null) throw new TooManyOperationsError(maxOperations);
      return release;
    },
  };
}

/** Unique among the principals of one kind. */
function toKey(principal: Principal): string {
  return principal.kind === 'USER' ? principal.externalUserId : String(principal.keyId);
}
