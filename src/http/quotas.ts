/** What one caller, and one address, may have under way and how often they may ask: the same over HTTP and WebSocket. */

import type { Principal } from '../access/principal';
import { GatewayError, RateLimitedError } from '../domain/errors';
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

const BURST_SECONDS = 10;

export function createQuotas(limits: QuotaLimits, now: Monotonic): Quotas {
  const { operationsPerSecond: perSecond } = limits;
  const sockets = createSeats(limits.socketsPerAddress);
  const operations = createSeats(limits.operationsPerAddress);
  const callers = {
    API_KEY: ofCallers(limits.socketsPerKey, limits.operationsPerKey),
    USER: ofCallers(limits.socketsPerUser, limits.operationsPerUser),
  };
  const rate = perSecond && createRate({ burst: perSecond * BURST_SECONDS, perSecond, now });

  function beginAt(address: string): Leave {
    const leave = operations.take(networkOf(address));
    if (leave === null) throw new TooManyOperationsError(limits.operationsPerAddress);
    return leave;
  }

  return {
    connect: (address) => sockets.take(networkOf(address)),
    enter: (principal) => callers[principal.kind].sockets.take(nameOf(principal)),
    begin(principal, address) {
      const waitMs = rate ? rate.take(`${principal.kind} ${nameOf(principal)}`) : 0;
      if (waitMs > 0) throw new RateLimitedError(Math.ceil(waitMs / 1000));
      const { most, operations: own } = callers[principal.kind];
      const leaveAddress = beginAt(address);
      const leaveCaller = own.take(nameOf(principal));
      if (leaveCaller !== null) {
        return () => {
          leaveCaller();
          leaveAddress();
        };
      }
      leaveAddress();
      throw new TooManyOperationsError(most);
    },
  };
}

function ofCallers(mostSockets: number, mostOperations: number) {
  return {
    most: mostOperations,
    sockets: createSeats(mostSockets),
    operations: createSeats(mostOperations),
  };
}

/** Each caller of a kind has one of their own. */
function nameOf(principal: Principal): string {
  return principal.kind === 'USER' ? principal.externalUserId : String(principal.keyId);
}
