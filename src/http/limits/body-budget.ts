/** Bounds the memory of request bodies being received, in total and per network. */

import { toNetwork } from './client-address';

export interface BodyBudget {
  /**
   * Registers one body.
   *
   * @param onEvict - Called if the body must be discarded to free memory. The reservation is already closed.
   */
  reserve(address: string, onEvict: () => void): BodyReservation;
}

export interface BodyReservation {
  /** Adds received bytes. Evicts the oldest bodies while the budget is exceeded. */
  add(bytes: number): void;
  /** Frees all bytes of the body. Idempotent. */
  close(): void;
}

export interface BodyBudgetLimits {
  readonly maxHeldBytes: number;
  readonly maxHeldBytesPerAddress: number;
}

/** Memory of one chunk in addition to its bytes. */
const CHUNK_OVERHEAD_BYTES = 256;

interface Body {
  bytes: number;
  readonly evict: () => void;
}

/** Bodies that count against one limit, oldest first. */
interface Pool {
  bytes: number;
  readonly bodies: Set<Body>;
}

/**
 * Evicts the oldest body, not the newest: a webhook arrives within milliseconds, so an old body belongs to a slow sender. A
 * client that fills the budget therefore mostly displaces its own bodies.
 */
export function createBodyBudget(limits: BodyBudgetLimits): BodyBudget {
  const total = createPool();
  const byNetwork = new Map<string, Pool>();

  return {
    reserve(address, onEvict) {
      const network = toNetwork(address);
      const own = byNetwork.get(network) ?? createPool();
      byNetwork.set(network, own);
      const pools = [total, own];
      const body: Body = {
        bytes: 0,
        evict() {
          close();
          onEvict();
        },
      };
      for (const { bodies } of pools) bodies.add(body);

      function close(): void {
        for (const pool of pools) {
          if (pool.bodies.delete(body)) pool.bytes -= body.bytes;
        }
        if (own.bodies.size === 0 && byNetwork.get(network) === own) byNetwork.delete(network);
      }

      return {
        close,
        add(bytes) {
          if (!total.bodies.has(body)) return;
          const cost = bytes + CHUNK_OVERHEAD_BYTES;
          body.bytes += cost;
          for (const pool of pools) pool.bytes += cost;
          evictDownTo(limits.maxHeldBytesPerAddress, own);
          evictDownTo(limits.maxHeldBytes, total);
        },
      };
    },
  };
}

function createPool(): Pool {
  return { bytes: 0, bodies: new Set() };
}

function evictDownTo(maxBytes: number, pool: Pool): void {
  for (const body of pool.bodies) {
    if (pool.bytes <= maxBytes) return;
    body.evict();
  }
}
