/** What one caller, and one address, may have under way and how often they may ask: the same over HTTP and WebSocket. */

import type { Principal } from '../../access/principal';
import { GatewayError } from '../../domain/errors';
import { toNetwork } from '../io/client-address';
import { createConcurrencyLimiter, type Release } from './concurrency-limiter';
import { createRateLimiter, type Monotonic } from './rate-limiter';

export interface Quotas {
  /** For a WebSocket, before anything is known of its client. `null`: there are too many from this address. */
  connect(address: string): Release | null;
  /** For a WebSocket, once it is known whose it is. `null`: they have too many. */
  enter(principal: Principal): Release | null;
  /** For an operation. @throws {RateLimitedError}; {TooManyOperationsError}. */
  begin(principal: Principal, address: string): Release;
}

export interface QuotaLimits {
  readonly socketsPerAddress: number;
  readonly socketsPerKey: number;
  readonly socketsPerUser: number;
  /** Operations under way, subscriptions included. */
  readonly operationsPerAddress: number;
  readonly operationsPerKey: number;
  readonly operationsPerUser: number;
  /** Of one API key or end user, after ten times as many at once; `null`: as many as they like. */
  readonly operationsPerSecond: number | null;
}

/** More operations under way than the caller may have. */
export class TooManyOperationsError extends GatewayError {
  constructor(most: number) {
    super('TOO_MANY_SUBSCRIPTIONS', `expected at most ${most} operations at a time`);
  }
}

/** As many as anybody likes. */
export const UNLIMITED: QuotaLimits = {
  socketsPerAddress: Number.POSITIVE_INFINITY,
  socketsPerKey: Number.POSITIVE_INFINITY,
  socketsPerUser: Number.POSITIVE_INFINITY,
  operationsPerAddress: Number.POSITIVE_INFINITY,
  operationsPerKey: Number.POSITIVE_INFINITY,
  operationsPerUser: Number.POSITIVE_INFINITY,
  operationsPerSecond: null,
};

export function createQuotas(limits: QuotaLimits, now: Monotonic): Quotas {
  const { operationsPerSecond: perSecond } = limits;
  const addresses = createShare(limits.socketsPerAddress, limits.operationsPerAddress);
  const callers = {
    API_KEY: createShare(limits.socketsPerKey, limits.operationsPerKey),
    USER: createShare(limits.socketsPerUser, limits.operationsPerUser),
  };
  const rate = perSecond === null ? null : createRateLimiter({ perSecond, now });

  return {
    connect: (address) => addresses.connect(toNetwork(address)),
    enter: (principal) => callers[principal.kind].connect(nameOf(principal)),
    begin(principal, address) {
      rate?.assertLeft(`${principal.kind} ${nameOf(principal)}`);
      const leaveAddress = addresses.begin(toNetwork(address));
      try {
        const leaveCaller = callers[principal.kind].begin(nameOf(principal));
        return () => {
          leaveCaller();
          leaveAddress();
        };
      } catch (error) {
        leaveAddress();
        throw error;
      }
    },
  };
}

/** What each may have, by the name under which it is counted. */
function createShare(mostSockets: number, mostOperations: number) {
  const sockets = createConcurrencyLimiter(mostSockets);
  const operations = createConcurrencyLimiter(mostOperations);
  return {
    connect: sockets.acquire,
    begin(name: string): Release {
      const leave = operations.acquire(name);
      if (leave === null) throw new TooManyOperationsError(mostOperations);
      return leave;
    },
  };
}

/** Each caller of a kind has one of their own. */
function nameOf(principal: Principal): string {
  return principal.kind === 'USER' ? principal.externalUserId : String(principal.keyId);
}
