/** What a filter on the log means, for entries that are in memory. The store says the same in SQL. */

import type { Change } from '../domain/change';
import type { ChangeFilter } from '../store/read/filters';

/**
 * All given conditions hold; an absent one does not restrict, an empty list lets nothing through.
 *
 * An entry is about its user, and about the one who was merged into that user by it. Who belongs together through other
 * entries cannot be seen here: `filter.userIds` has to name them all.
 */
export function matchesFilter(change: Change, filter: ChangeFilter): boolean {
  return isAboutOneOf(change, filter.userIds) && matchesFilterExceptUser(change, filter);
}

/** The same, for callers who have looked at the user already. */
export function matchesFilterExceptUser(change: Change, filter: ChangeFilter): boolean {
  const changed = change.verificationStatus !== change.previousVerificationStatus;
  return (
    isOrAny(change.provider, filter.provider) &&
    isOrAny(change.levelKey, filter.levelKey) &&
    isAmong(change.attemptStatus, filter.attemptStatus) &&
    isAmong(change.verificationStatus, filter.verificationStatus) &&
    isOrAny(changed, filter.verificationStatusChanged)
  );
}

function isAboutOneOf(change: Change, userIds: readonly number[] | undefined): boolean {
  return isAmong(change.userId, userIds) || isAmong(change.cause.mergedUserId, userIds);
}

function isOrAny<T>(value: T | null, wanted: T | undefined): boolean {
  return wanted === undefined || value === wanted;
}

function isAmong<T>(value: T | null, wanted: readonly T[] | undefined): boolean {
  return wanted === undefined || (value !== null && wanted.includes(value));
}
