/** Ties an identity to a user by an operator's word. */

import { instantOf } from '../domain/instant';
import type { ProjectionRules } from '../domain/projection';
import { logMerge, type Occasion } from './change-log';
import { type Graph, type IdentityNode, pairKey, type UserNode } from './graph';
import type { KeyRing } from './key-ring';
import { mergeUsers, moveIdentity, openIdentity } from './membership';
import { settle } from './settle';
import type { LinkIdentity, LinkOutcome } from './store';

/** @param input - With the id of a live user. */
export function linkIdentity(
  graph: Graph,
  input: LinkIdentity,
  keyRing: KeyRing,
  rules: ProjectionRules,
): LinkOutcome {
  const target = graph.users.get(input.userId);
  if (target === undefined) return { ok: false, fault: 'USER_NOT_FOUND' };
  if (target.erasedAt !== null) return { ok: false, fault: 'USER_ERASED' };
  const occasion: Occasion = {
    kind: 'LINK',
    deliveryId: null,
    actor: input.actor,
    occurredAt: instantOf(input.now),
  };
  const known = graph.identities.get(pairKey(input.provider, input.subjectRef));
  if (known !== undefined && known.user.erasedAt !== null)
    return { ok: false, fault: 'USER_ERASED' };
  if (known !== undefined && [...target.identities].some((held) => differ(held, known))) {
    return { ok: false, fault: 'KIND_MISMATCH' };
  }
  const identity = known ?? openIdentity(graph, input, target, keyRing, input.now);
  const from = identity.user;
  const merges = from !== target && isSamePerson(identity, from);
  identity.linked = true;
  identity.dirty = true;
  if (from === target) {
    // An account that nobody has spoken of counts too: whose others are all gone is not gone any more.
    if (known === undefined) settle(graph, { users: [target] }, occasion, rules);
    return { ok: true, userId: target.id, identityId: identity.id, mergedUserId: null };
  }

  if (merges) logMerge(graph, mergeUsers(graph, from, target, input.now), occasion, input.now);
  else moveIdentity(identity, target, input.now);
  settle(graph, { users: [from, target], parted: merges ? [] : [from, target] }, occasion, rules);
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
