/** Creates users and identities, moves identities and merges users. */

import type { ProviderId } from '../domain/level';
import type { KeyRing } from '../encryption/key-ring';
import { type IdentityNode, nextId, pairKey, type UnitOfWork, type UserNode } from './unit-of-work';

export function createUser(unit: UnitOfWork, externalUserId: string | null, now: Date): UserNode {
  const user: UserNode = {
    id: nextId(unit, 'users'),
    externalUserId,
    mergedInto: null,
    erasedAt: null,
    kind: 'PERSON',
    verificationStatus: 'NOT_VERIFIED',
    statusSince: null,
    expiresAt: null,
    active: true,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    identities: new Set(),
    levels: new Map(),
    blockers: new Map(),
    stale: false,
    dirty: true,
  };
  unit.users.set(user.id, user);
  if (externalUserId !== null) unit.usersByExternalId.set(externalUserId, user);
  return user;
}

export function createIdentity(
  unit: UnitOfWork,
  subject: { readonly provider: ProviderId; readonly subjectRef: string },
  user: UserNode,
  keyRing: KeyRing,
  now: Date,
): IdentityNode {
  const { cipher, ...wrapped } = keyRing.createDataKey();
  const identity: IdentityNode = {
    id: nextId(unit, 'identities'),
    user,
    ...subject,
    externalUserId: null,
    kind: 'PERSON',
    state: 'ACTIVE',
    linked: false,
    undatedDeliveryId: null,
    createdAt: now.toISOString(),
    events: [],
    fold: null,
    resolvedEvents: 0,
    attempts: new Map(),
    cipher: () => cipher,
    dirty: true,
    moved: false,
  };
  user.identities.add(identity);
  unit.identities.set(pairKey(identity.provider, identity.subjectRef), identity);
  unit.newKeys.push({ identityId: identity.id, ...wrapped });
  return identity;
}

/** Moves the identity to another user. The previous user remains with its other identities. */
export function moveIdentity(identity: IdentityNode, into: UserNode, now: Date): void {
  const from = identity.user;
  from.identities.delete(identity);
  into.identities.add(identity);
  identity.user = into;
  identity.dirty = true;
  identity.moved = true;
  for (const user of [from, into]) {
    user.updatedAt = now.toISOString();
    user.stale = true;
    user.dirty = true;
  }
}

/** Moves everything from `from` to `into`. The ID and the external ID of `from` then resolve to `into`. */
export function mergeUsers(
  unit: UnitOfWork,
  from: UserNode,
  into: UserNode,
  now: Date,
): { readonly from: UserNode; readonly into: UserNode } {
  for (const identity of [...from.identities]) moveIdentity(identity, into, now);
  for (const levelKey of from.levels.keys()) {
    unit.dirtyLevels.set(`${from.id} ${levelKey}`, { userId: from.id, levelKey });
  }
  from.levels.clear();
  from.blockers.clear();
  from.mergedInto = into.id;
  from.dirty = true;
  into.dirty = true;
  if (into.externalUserId === null) {
    into.externalUserId = from.externalUserId;
    from.externalUserId = null;
  }
  for (const [externalUserId, user] of unit.usersByExternalId) {
    if (user === from) unit.usersByExternalId.set(externalUserId, into);
  }
  return { from, into };
}
