/** Who is one person with whom, as far as a stretch of the log tells. */

import type { Change } from '../domain/change';

/**
 * Adds to `userIds` everybody whom the merges in `changes` make one with somebody in it, whichever side survived: what
 * was written about either before the merge is about the same person.
 */
export function addMergedUsers(userIds: Set<number>, changes: readonly Change[]): void {
  const merges = changes.filter(({ cause }) => cause.mergedUserId !== null);
  let size: number;
  do {
    size = userIds.size;
    for (const { userId, cause } of merges) {
      if (cause.mergedUserId === null) continue;
      if (userIds.has(userId)) userIds.add(cause.mergedUserId);
      else if (userIds.has(cause.mergedUserId)) userIds.add(userId);
    }
  } while (userIds.size > size);
}
