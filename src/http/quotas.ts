/** What one caller, and one address, may have under way and how often they may ask: the same over HTTP and WebSocket. */

import type { Principal } from '../access/principal';
import { GatewayError } from '../domain/errors';
import { networkOf } from './client-address';
import { createRate, type Monotonic } from './rate';
import { createSeats, type Leave } from './seats';

export interface Quotas {
  /** For a WebSocket, before anything is known of its client. `null`: there are too many from this address. */
  connect(address: string): Leave | null;
  /** For a WebSocket, once it is known whose it is. `null`: they have too many. */
  enter(principal: Principal): Leave | null;
  /** For an operation. @throws {RateLimitedError}; {TooManyOperationsError}. */
  begin(principal: Principal, address: string): Leave;
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
  const rate = perSecond === null ? null : createRate({ perSecond, now });

  return {
    connect: (address) => addresses.connect(networkOf(address)),
    enter: (principal) => callers[principal.kind].connect(nameOf(principal)),
    begin(principal, address) {
      rate?.assertLeft(`${principal.kind} ${nameOf(principal)}`);
      const leaveAddress = addresses.begin(networkOf(address));
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
  const sockets = createSeats(mostSockets);
  const operations = createSeats(mostOperations);
  return {
    connect: sockets.take,
    begin(name: string): Leave {
      const leave = operations.take(name);
      if (leave === null) throw new TooManyOperationsError(mostOperations);
      return leave;
    },
  };
}

/** Each caller of a kind has one of their own. */
function nameOf(principal: Principal): string {
  return principal.kind === 'USER' ? principal.externalUserId : String(principal.keyId);
}
