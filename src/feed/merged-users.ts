/** Extends a set of users by those they were merged with: entries written before a merge have the ID of either user. */

import type { Change } from '../domain/change';
import type { Reader } from '../store/read/reader';

/** Adds the users merged with one in `userIds` according to `changes`, in either direction and through chains. */
export function addUsersMergedIn(changes: readonly Change[], userIds: Set<number>): void {
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

/** Adds the users merged with one in `userIds` up to now. Returns whether there were any. */
export async function addUsersMergedInStore(
  read: Pick<Reader, 'usersByIds' | 'userIdsMergedInto'>,
  userIds: Set<number>,
): Promise<boolean> {
  const { size } = userIds;
  if (size === 0) return false;
  for (const user of await read.usersByIds([...userIds])) {
    if (user === null) continue;
    userIds.add(user.id);
    for (const id of await read.userIdsMergedInto(user.id)) userIds.add(id);
  }
  return userIds.size > size;
}
