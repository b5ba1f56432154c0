/** Bounds the memory of request bodies that are being received: all together, and by network address. */

import { toNetwork } from '../io/client-address';

export interface BodyBudget {
  /**
   * Opens the account of one body.
   *
   * @param onShed - Called when the body must give way, its account being closed already.
   */
  open(address: string, onShed: () => void): BodyAccount;
}

export interface BodyAccount {
  /** Counts bytes that are held from now on. Sheds the oldest bodies while there are too many. */
  add(bytes: number): void;
  /** Gives all of its bytes back. Idempotent. */
  close(): void;
}

export interface BodyBudgetLimits {
  readonly maxHeldBytes: number;
  readonly maxHeldBytesPerAddress: number;
}

/** Memory of one piece of a body beyond its bytes. */
const PIECE_BYTES = 256;

interface Body {
  bytes: number;
  readonly shed: () => void;
}

/** Bodies that count against one limit, the oldest first. */
interface Pool {
  bytes: number;
  readonly bodies: Set<Body>;
}

/**
 * The oldest body gives way, not the newest: a webhook arrives within milliseconds, a body that its sender holds back is old.
 * So whoever fills the budget displaces mostly their own.
 */
export function createBodyBudget(limits: BodyBudgetLimits): BodyBudget {
  const all = createPool();
  const byNetwork = new Map<string, Pool>();

  return {
    open(address, onShed) {
      const network = toNetwork(address);
      const own = byNetwork.get(network) ?? createPool();
      byNetwork.set(network, own);
      const pools = [all, own];
      const body: Body = {
        bytes: 0,
        shed() {
          close();
          onShed();
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
          if (!all.bodies.has(body)) return;
          const cost = bytes + PIECE_BYTES;
          body.bytes += cost;
          for (const pool of pools) pool.bytes += cost;
          shedDownTo(limits.maxHeldBytesPerAddress, own);
          shedDownTo(limits.maxHeldBytes, all);
        },
      };
    },
  };
}

function createPool(): Pool {
  return { bytes: 0, bodies: new Set() };
}

function shedDownTo(most: number, pool: Pool): void {
  for (const body of pool.bodies) {
    if (pool.bytes <= most) return;
    body.shed();
  }
}
