/** How many there are of each at this moment, where there may be only so many. */

export interface ConcurrencyLimiter {
  /** @returns what gives the seat back, once however often it is called; `null`: there is none left. */
  acquire(key: string): Release | null;
}

export type Release = () => void;

/** @param most - For each key. */
export function createConcurrencyLimiter(most: number): ConcurrencyLimiter {
  const taken = new Map<string, number>();

  function leave(key: string): void {
    const left = (taken.get(key) ?? 0) - 1;
    if (left > 0) taken.set(key, left);
    else taken.delete(key);
  }

  return {
    acquire(key) {
      const already = taken.get(key) ?? 0;
      if (already >= most) return null;
      taken.set(key, already + 1);
      let seated = true;
      return () => {
        if (seated) leave(key);
        seated = false;
      };
    },
  };
}
