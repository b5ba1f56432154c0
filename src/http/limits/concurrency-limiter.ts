/** Limits how many holders of a key exist at the same time. */

export interface ConcurrencyLimiter {
  /** Returns a function that releases the slot, or null if all slots of `key` are taken. */
  acquire(key: string): Release | null;
}

/** Releases a slot. Idempotent. */
export type Release = () => void;

/** @param limit - Slots per key. */
export function createConcurrencyLimiter(limit: number): ConcurrencyLimiter {
  const acquired = new Map<string, number>();

  function release(key: string): void {
    const remaining = (acquired.get(key) ?? 0) - 1;
    if (remaining > 0) acquired.set(key, remaining);
    else acquired.delete(key);
  }

  return {
    acquire(key) {
      const count = acquired.get(key) ?? 0;
      if (count >= limit) return null;
      acquired.set(key, count + 1);
      let released = false;
      return () => {
        if (!released) release(key);
        released = true;
      };
    },
  };
}
