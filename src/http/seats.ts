/** How many there are of each at this moment, where there may be only so many. */

export interface Seats {
  /** @returns what gives the seat back, once however often it is called; `null`: there is none left. */
  take(key: string): Leave | null;
}

export type Leave = () => void;

/** @param most - For each key. */
export function createSeats(most: number): Seats {
  const taken = new Map<string, number>();

  function leave(key: string): void {
    const left = (taken.get(key) ?? 0) - 1;
    if (left > 0) taken.set(key, left);
    else taken.delete(key);
  }

  return {
    take(key) {
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
