/** Updates the levels of a user to match the events of its identities. */

import { isDeepStrictEqual as equal } from 'node:util';
import { InvariantError } from '../domain/errors';
import { toAttemptSortKey } from '../domain/fold/level-fold';
import {
  combineLevelStates,
  findBlocker,
  findLatestBlocker,
  type IdentityLevelState,
  type ProjectedLevel,
  type ProjectionRules,
} from '../domain/fold/user';
import { toInstantText } from '../domain/instant';
import type { LevelKey } from '../domain/level';
import { compare } from '../domain/text';
import { createPendingLevelChange, type PendingChange } from './change-entries';
import {
  getFold,
  type IdentityNode,
  type LevelNode,
  type UnitOfWork,
  type UserNode,
} from './unit-of-work';

/** Returns the verified levels that have expired since the last projection. */
export function listExpiredLevels(
  user: UserNode,
  { policy, now }: ProjectionRules,
): readonly LevelKey[] {
  if (Object.keys(policy.expiresAfterMs).length === 0) return []; // saves a pass over all levels per event
  const instant = toInstantText(now);
  const expired: LevelKey[] = [];
  for (const { levelKey, status, expiresAt } of user.levels.values()) {
    if (status === 'VERIFIED' && expiresAt !== null && expiresAt <= instant) expired.push(levelKey);
  }
  return expired;
}

/**
 * Projects the touched levels, and all approvals if the rejection that blocks them changed.
 *
 * @param identities - All identities of the user, sorted.
 * @returns the levels by key, in the order of their keys. `undefined` for a level that the user no longer has.
 */
export function projectLevels(
  user: UserNode,
  identities: readonly IdentityNode[],
  touched: ReadonlySet<LevelKey>,
  rules: ProjectionRules,
): ReadonlyMap<LevelKey, LevelNode | undefined> {
  const cache = new Map<LevelKey, readonly IdentityLevelState[]>();
  const getStates = (key: LevelKey) => {
    const states = cache.get(key) ?? getLevelStates(user, identities, key, rules);
    cache.set(key, states);
    return states;
  };
  const before = findLatestBlocker(user.blockers.values());
  for (const key of touched) {
    const blocker = findBlocker(getStates(key), rules.policy);
    if (blocker === undefined) user.blockers.delete(key);
    else user.blockers.set(key, blocker);
  }
  const blocker = findLatestBlocker(user.blockers.values());
  const keys = equal(before, blocker) ? touched : new Set([...touched, ...listApprovals(user)]);
  const levels = new Map<LevelKey, LevelNode | undefined>();
  for (const key of [...keys].sort(compare)) {
    const level = combineLevelStates(getStates(key), blocker, rules);
    levels.set(key, level && toLevelNode(level, identities));
  }
  return levels;
}

function getLevelStates(
  user: UserNode,
  identities: readonly IdentityNode[],
  key: LevelKey,
  { acceptSandbox }: ProjectionRules,
): readonly IdentityLevelState[] {
  return identities.flatMap((node, identity) =>
    node.kind === user.kind
      ? getFold(node)
          .getLevelStates(key, acceptSandbox)
          .map((state) => ({ ...state, identity }))
      : [],
  );
}

/** Returns the levels with an approval, expired or not. Only these can be blocked. */
function listApprovals({ levels }: UserNode): readonly LevelKey[] {
  return [...levels.values()].flatMap(({ levelKey, status }) =>
    status === 'NOT_VERIFIED' ? [] : [levelKey],
  );
}

function toLevelNode(
  { latest, ...level }: ProjectedLevel,
  identities: readonly IdentityNode[],
): LevelNode {
  const attempt = identities[latest.identity]?.attempts
    .get(level.levelKey)
    ?.findLast((one) => toAttemptSortKey(one) === latest.sortKey);
  if (attempt === undefined) throw new InvariantError('Level has no latest attempt');
  return { ...level, latestAttemptId: attempt.id };
}

/**
 * Replaces the levels of the user.
 *
 * @param levels - Result of `projectLevels`.
 * @param pending - Receives the level status, in the entry of an attempt at the level if there is one.
 * @returns Whether any level changed.
 */
export function updateLevels(
  unit: UnitOfWork,
  user: UserNode,
  levels: ReadonlyMap<LevelKey, LevelNode | undefined>,
  pending: PendingChange[],
): boolean {
  let isChanged = false;
  for (const [levelKey, level] of levels) {
    const before = user.levels.get(levelKey);
    if (equal(before, level)) continue;
    if (level === undefined) user.levels.delete(levelKey);
    else user.levels.set(levelKey, level);
    isChanged = true;
    unit.dirtyLevels.set(`${user.id} ${levelKey}`, { userId: user.id, levelKey });
    if (before?.status === level?.status) continue;
    let change = pending.findLast((one) => one.levelKey === levelKey);
    if (change === undefined) {
      const id = level?.latestAttemptId ?? null;
      change = createPendingLevelChange(user, { levelKey, id });
      pending.push(change);
    }
    change.previousLevelStatus = before?.status ?? null;
    change.levelStatus = level?.status ?? null;
  }
  return isChanged;
}
