/** Recomputes the state of one user and logs what changed. */

import { isDeepStrictEqual as equal } from 'node:util';
import { isActive, type ProjectionRules, toSubjectKind } from '../domain/fold/user';
import type { LevelKey, ProviderId } from '../domain/level';
import { evaluateState } from '../domain/policy';
import {
  appendChanges,
  type ChangeContext,
  createPendingChange,
  type PendingChange,
} from './change-entries';
import {
  getFold,
  type IdentityNode,
  pairKey,
  type UnitOfWork,
  type UserNode,
} from './unit-of-work';
import { updateAttempts } from './update-attempts';
import { listExpiredLevels, projectLevels, updateLevels } from './update-levels';

/** @returns Whether anything changed, logged or not. */
export function reprojectUser(
  unit: UnitOfWork,
  user: UserNode,
  context: ChangeContext,
  rules: ProjectionRules,
): boolean {
  const identities = [...user.identities].sort(bySubject);
  const pending: PendingChange[] = [];
  const accounts = updateAccounts(user, identities, rules);
  let isChanged = accounts.isChanged;
  if (updateKind(user, identities, rules)) isChanged = true;

  const touched = new Set(user.stale ? user.levels.keys() : listExpiredLevels(user, rules));
  for (const identity of identities) {
    const levels = takeTouchedLevels(user, identity);
    for (const key of levels) touched.add(key);
    if (updateAttempts(unit, identity, levels, pending)) isChanged = true;
  }
  user.stale = false;

  const levels = projectLevels(user, identities, touched, rules);
  if (updateLevels(unit, user, levels, pending)) isChanged = true;
  if (updateUser(user, identities, rules, accounts.switched, pending)) isChanged = true;
  if (isChanged) {
    user.updatedAt = rules.now.toISOString();
    user.dirty = true;
  }
  appendChanges(unit, pending, context, rules.now);
  return isChanged;
}

/** Updates state and kind of each identity. `switched` has the providers of the accounts whose state changed. */
function updateAccounts(
  user: UserNode,
  identities: readonly IdentityNode[],
  { acceptSandbox }: ProjectionRules,
): { readonly isChanged: boolean; readonly switched: ReadonlySet<ProviderId> } {
  const switched = new Set<ProviderId>();
  let isChanged = false;
  for (const identity of identities) {
    const fold = getFold(identity);
    const state = fold.getAccountState(acceptSandbox);
    if (identity.state !== state) switched.add(identity.provider);
    if (identity.state === state && identity.kind === fold.kind) continue;
    if (identity.kind !== fold.kind) user.stale = true;
    identity.state = state;
    identity.kind = fold.kind;
    identity.dirty = true;
    isChanged = true;
  }
  return { isChanged, switched };
}

/** @returns Whether the kind of the user changed. */
function updateKind(
  user: UserNode,
  identities: readonly IdentityNode[],
  { acceptSandbox }: ProjectionRules,
): boolean {
  const known = identities.filter((identity) => getFold(identity).hasEvents(acceptSandbox));
  // Events of earlier versions contain no kind: their deleted account must not turn its company into a person.
  const alive = known.filter(({ state }) => state !== 'DELETED');
  const kind = toSubjectKind((alive.length > 0 ? alive : known).map((identity) => identity.kind));
  if (user.kind === kind) return false;
  user.kind = kind;
  user.stale = true;
  return true;
}

/** Returns the levels to project for an identity: all levels if the user is stale, else those with new events. */
function takeTouchedLevels(user: UserNode, identity: IdentityNode): ReadonlySet<LevelKey> {
  const fold = getFold(identity);
  const touched = fold.takeTouchedLevels();
  return new Set(user.stale ? [...fold.levelKeys(), ...identity.attempts.keys()] : touched);
}

/**
 * @param switched - Providers of the accounts whose state changed.
 * @param pending - The last entry receives the new status. If only the account at one other provider changed, the status gets
 *   an entry of its own.
 * @returns Whether the state of the user changed.
 */
function updateUser(
  user: UserNode,
  identities: readonly IdentityNode[],
  { policy, acceptSandbox }: ProjectionRules,
  switched: ReadonlySet<ProviderId>,
  pending: PendingChange[],
): boolean {
  const { status, since, expiresAt } = evaluateState(policy, user.levels);
  const counted = identities.filter((identity) => getFold(identity).isCounted(acceptSandbox));
  const active = isActive(counted.map(({ state }) => state));
  const before = [user.verificationStatus, user.statusSince, user.expiresAt, user.active];
  if (user.verificationStatus !== status || user.active !== active) {
    const [provider = null] = user.active !== active && switched.size === 1 ? switched : [];
    let change = pending.at(-1);
    if (change === undefined || (provider !== null && change.provider !== provider)) {
      change = { ...createPendingChange(user), provider };
      pending.push(change);
    }
    change.verificationStatus = status;
    change.active = active;
  }
  user.verificationStatus = status;
  user.statusSince = since;
  user.expiresAt = expiresAt;
  user.active = active;
  return !equal(before, [status, since, expiresAt, active]);
}

/** The order of a user's identities must not depend on the order of their first events. */
function bySubject(a: IdentityNode, b: IdentityNode): number {
  return pairKey(a.provider, a.subjectRef) < pairKey(b.provider, b.subjectRef) ? -1 : 1;
}
