/** Recomputes the users that a cause affects: who owns which identity, and the state of each user. */

import type { ProjectionRules } from '../domain/fold/user';
import {
  appendChanges,
  appendMerge,
  type ChangeContext,
  createPendingChange,
} from './change-entries';
import { mentionsErasedSubject } from './erased-subjects';
import { reprojectUser } from './reproject-user';
import { getFold, type IdentityNode, type UnitOfWork, type UserNode } from './unit-of-work';
import { createUser, mergeUsers, moveIdentity } from './users';

export interface Affected {
  /** Identities with new or removed events. */
  readonly identities?: Iterable<IdentityNode>;
  /** Further users whose state may have changed, for example by expiry. */
  readonly users?: Iterable<UserNode>;
  /** The two users of a moved identity. Each gets an entry in the change log, even if its state is the same. */
  readonly split?: Iterable<UserNode>;
}

/** @returns Whether anything changed, logged or not. */
export function reproject(
  unit: UnitOfWork,
  affected: Affected,
  context: ChangeContext,
  rules: ProjectionRules,
): boolean {
  const users = new Set(affected.users);
  const split = new Set(affected.split);
  const changesBefore = unit.changes.length;
  let isChanged = false;
  for (const identity of affected.identities ?? []) {
    const from = identity.user;
    users.add(from);
    if (assignOwner(unit, identity, context, rules.now)) isChanged = true;
    users.add(identity.user);
    if (identity.user !== from && from.mergedInto === null) split.add(from).add(identity.user);
  }
  for (const user of users) {
    if (user.mergedInto !== null || user.erasedAt !== null) continue;
    if (reprojectUser(unit, user, context, rules)) isChanged = true;
  }
  for (const user of split) {
    const isLogged = unit.changes.slice(changesBefore).some(({ userId }) => userId === user.id);
    if (!isLogged) appendChanges(unit, [createPendingChange(user)], context, rules.now);
  }
  return isChanged;
}

/**
 * Assigns the identity to the user with its external user ID, unless an operator linked the identity to another user.
 *
 * @returns Whether the external user ID or the owner changed.
 */
function assignOwner(
  unit: UnitOfWork,
  identity: IdentityNode,
  context: ChangeContext,
  now: Date,
): boolean {
  createMentionedUsers(unit, identity, now);
  const externalUserId = getFold(identity).findExternalUserId(
    (entry) => !mentionsErasedSubject(unit, identity, entry),
  );
  if (externalUserId === identity.externalUserId) return false;
  identity.externalUserId = externalUserId;
  identity.dirty = true;
  if (externalUserId === null || identity.linked) return true;

  const { user } = identity;
  const owner = unit.usersByExternalId.get(externalUserId);
  if (owner === undefined || owner === user) return true;
  if (user.externalUserId !== null) moveIdentity(identity, owner, now);
  else appendMerge(unit, mergeUsers(unit, user, owner, now), context, now);
  return true;
}

/** Ensures that every external user ID in the events has a user, in any order of events, unless that user was erased. */
function createMentionedUsers(unit: UnitOfWork, identity: IdentityNode, now: Date): void {
  const entries = identity.events.slice(identity.resolvedEvents);
  identity.resolvedEvents = identity.events.length;
  for (const entry of entries) {
    const { externalUserId } = entry.event;
    if (externalUserId === undefined || unit.usersByExternalId.has(externalUserId)) continue;
    if (mentionsErasedSubject(unit, identity, entry)) continue;
    if (identity.user.externalUserId === null && !identity.linked) {
      identity.user.externalUserId = externalUserId;
      identity.user.dirty = true;
      unit.usersByExternalId.set(externalUserId, identity.user);
    } else {
      createUser(unit, externalUserId, now);
    }
  }
}
