/** Links an identity to a user on an operator's request. */

import type { ProjectionRules } from '../domain/fold/user';
import { toInstantText } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { KeyRing } from '../encryption/key-ring';
import { appendMerge, type ChangeContext } from './change-entries';
import { reproject } from './reproject';
import { type IdentityNode, pairKey, type UnitOfWork, type UserNode } from './unit-of-work';
import { createIdentity, mergeUsers, moveIdentity } from './users';

export function linkIdentity(
  unit: UnitOfWork,
  input: LinkIdentity,
  keyRing: KeyRing,
  rules: ProjectionRules,
): LinkOutcome {
  const target = unit.users.get(input.userId);
  if (target === undefined) return { ok: false, fault: 'USER_NOT_FOUND' };
  if (target.erasedAt !== null) return { ok: false, fault: 'USER_ERASED' };
  const context: ChangeContext = {
    kind: 'LINK',
    deliveryId: null,
    actor: input.changeActor,
    occurredAt: toInstantText(input.now),
  };
  const known = unit.identities.get(pairKey(input.provider, input.subjectRef));
  if (known !== undefined && known.user.erasedAt !== null)
    return { ok: false, fault: 'USER_ERASED' };
  if (
    known !== undefined &&
    [...target.identities].some((other) => haveDifferentKinds(other, known))
  ) {
    return { ok: false, fault: 'KIND_MISMATCH' };
  }
  const identity = known ?? createIdentity(unit, input, target, keyRing, input.now);
  const from = identity.user;
  const merges = from !== target && isOnlyIdentity(identity, from);
  identity.linked = true;
  identity.dirty = true;
  if (from === target) {
    // A new account without events counts too: the user is active again if all other accounts were deleted.
    if (known === undefined) reproject(unit, { users: [target] }, context, rules);
    return { ok: true, userId: target.id, identityId: identity.id, mergedUserId: null };
  }

  if (merges) appendMerge(unit, mergeUsers(unit, from, target, input.now), context, input.now);
  else moveIdentity(identity, target, input.now);
  reproject(unit, { users: [from, target], split: merges ? [] : [from, target] }, context, rules);
  return {
    ok: true,
    userId: target.id,
    identityId: identity.id,
    mergedUserId: merges ? from.id : null,
  };
}

/** Whether one account belongs to a person and the other to a company. Accounts without events have no known kind. */
function haveDifferentKinds(a: IdentityNode, b: IdentityNode): boolean {
  return a.kind !== b.kind && a.events.length > 0 && b.events.length > 0;
}

/**
 * Whether the identity's user consists of this identity only: it was created for the identity, or has the external user ID
 * that the provider sent, and no operator linked it. The two users are then one person and merge. Otherwise only the identity
 * moves, for example to correct an earlier link. A later `linkIdentity` cannot undo a merge: the IDs of the merged user, including
 * its external ID, resolve to the other user permanently, because its log entries moved there too.
 */
function isOnlyIdentity({ externalUserId, linked }: IdentityNode, from: UserNode): boolean {
  const hasOwnId = from.externalUserId === null || from.externalUserId === externalUserId;
  return hasOwnId && !linked && from.identities.size === 1;
}

export interface LinkIdentity {
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly userId: number;
  /** Actor in the change log. See `ChangeCause.actor`. */
  readonly changeActor: string;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
}

export type LinkOutcome =
  | {
      readonly ok: true;
      readonly userId: number;
      readonly identityId: number;
      readonly mergedUserId: number | null;
    }
  | { readonly ok: false; readonly fault: 'KIND_MISMATCH' | 'USER_NOT_FOUND' | 'USER_ERASED' };
