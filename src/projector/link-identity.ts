/** Ties an identity to a user by an operator's word. */

import type { ProjectionRules } from '../domain/fold/user';
import { toInstantText } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { KeyRing } from '../encryption/key-ring';
import { appendMerge, type ChangeContext } from './change-entries';
import { reproject } from './reproject';
import { type IdentityNode, pairKey, type UnitOfWork, type UserNode } from './unit-of-work';
import { createIdentity, mergeUsers, moveIdentity } from './users';

/** @param input - With the id of a live user. */
export function linkIdentity(
  unit: UnitOfWork,
  input: LinkIdentity,
  keyRing: KeyRing,
  rules: ProjectionRules,
): LinkOutcome {
  const target = unit.users.get(input.userId);
  if (target === undefined) return { ok: false, fault: 'USER_NOT_FOUND' };
  if (target.erasedAt !== null) return { ok: false, fault: 'USER_ERASED' };
  const occasion: ChangeContext = {
    kind: 'LINK',
    deliveryId: null,
    actor: input.changeActor,
    occurredAt: toInstantText(input.now),
  };
  const known = unit.identities.get(pairKey(input.provider, input.subjectRef));
  if (known !== undefined && known.user.erasedAt !== null)
    return { ok: false, fault: 'USER_ERASED' };
  if (known !== undefined && [...target.identities].some((held) => differ(held, known))) {
    return { ok: false, fault: 'KIND_MISMATCH' };
  }
  const identity = known ?? createIdentity(unit, input, target, keyRing, input.now);
  const from = identity.user;
  const merges = from !== target && isSamePerson(identity, from);
  identity.linked = true;
  identity.dirty = true;
  if (from === target) {
    // An account that nobody has spoken of counts too: whose others are all gone is not gone any more.
    if (known === undefined) reproject(unit, { users: [target] }, occasion, rules);
    return { ok: true, userId: target.id, identityId: identity.id, mergedUserId: null };
  }

  if (merges) appendMerge(unit, mergeUsers(unit, from, target, input.now), occasion, input.now);
  else moveIdentity(identity, target, input.now);
  reproject(unit, { users: [from, target], parted: merges ? [] : [from, target] }, occasion, rules);
  return {
    ok: true,
    userId: target.id,
    identityId: identity.id,
    mergedUserId: merges ? from.id : null,
  };
}

/** Whether one is known to be of a person, and the other of a company. */
function differ(a: IdentityNode, b: IdentityNode): boolean {
  return a.kind !== b.kind && a.events.length > 0 && b.events.length > 0;
}

/**
 * Whether the identity's user is nobody beside it: opened only for it, or the very user that the vendor says it is, and
 * not by an operator's word. Then the two users are one person; else only the identity moves, e.g. because an earlier
 * link is being corrected. A merge cannot be corrected so: the ids of the merged user, its external one too, lead to
 * the user it went into for good, since its log and what others hold of it went there as well.
 */
function isSamePerson({ externalUserId, linked }: IdentityNode, from: UserNode): boolean {
  const called = from.externalUserId === null || from.externalUserId === externalUserId;
  return called && !linked && from.identities.size === 1;
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
