/** Evaluates a log filter on entries in memory. Must agree with the SQL of the store. */

import type { Change } from '../domain/change';
import type { ChangeFilter } from '../store/read/filters';

/**
 * Whether the entry meets all conditions of the filter. An absent condition matches every entry, an empty list none.
 *
 * An entry belongs to its user and, if it records a merge, also to the merged user. Earlier merges are not visible here, so
 * `filter.userIds` must contain all users who were merged.
 */
export function matchesFilter(change: Change, filter: ChangeFilter): boolean {
  return isForUser(change, filter.userIds) && matchesFilterExceptUser(change, filter);
}

/** Like `matchesFilter`, without the condition on the user. */
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

function isForUser(change: Change, userIds: readonly number[] | undefined): boolean {
  return isAmong(change.userId, userIds) || isAmong(change.cause.mergedUserId, userIds);
}

function isOrAny<T>(value: T | null, expected: T | undefined): boolean {
  return expected === undefined || value === expected;
}

function isAmong<T>(value: T | null, expected: readonly T[] | undefined): boolean {
  return expected === undefined || (value !== null && expected.includes(value));
}
