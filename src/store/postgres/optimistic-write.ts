/**
 * Whether it pays to load and apply ahead of the lock. Alone, an instance never waits for it so; where others write as
 * well, most of that work is for nothing, and it goes under the lock at once for a while, after which it tries again.
 */

import { DatabaseError } from 'pg';

/** SQLSTATE of a save upon data that is not the latest. Of a class that PostgreSQL leaves to its users. */
export const OUTDATED = 'KG001';

export interface OptimisticWrite {
  /** @throws {Error} if the next group had better be done under the lock. */
  assertQuiet(): void;
  /** Runs a save that was prepared ahead of the lock, and learns from how it ends. */
  watch<T>(save: () => Promise<T>): Promise<T>;
}

/** Groups that are done under the lock, at most, before another way is tried again. */
const LONGEST_CAUTION = 64;

export function createOptimisticWrite(): OptimisticWrite {
  let caution = 1;
  let left = 0;
  return {
    assertQuiet() {
      if (left === 0) return;
      left -= 1;
      throw new Error('another instance writes as well: to be done under the lock');
    },

    async watch(save) {
      try {
        const result = await save();
        caution = 1;
        return result;
      } catch (error) {
        if (error instanceof DatabaseError && error.code === OUTDATED) {
          caution = Math.min(caution * 2, LONGEST_CAUTION);
          left = caution;
        }
        throw error;
      }
    },
  };
}
