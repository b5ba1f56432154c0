/** Updates the attempts of an identity to match its events. */

import { isDeepStrictEqual as equal } from 'node:util';
import { type LevelKey, lesserKind } from '../domain/level';
import { createPendingLevelChange, type PendingChange } from './change-entries';
import { matchAttempts } from './match-attempts';
import {
  type AttemptNode,
  getFold,
  type IdentityNode,
  nextId,
  type UnitOfWork,
} from './unit-of-work';

interface ChangedAttempt {
  readonly attempt: AttemptNode;
  readonly before: AttemptNode | undefined;
}

/**
 * Updates the attempts at the given levels.
 *
 * @param pending - Receives an entry for each attempt with a change that subscribers see.
 * @returns Whether any attempt changed.
 */
export function updateAttempts(
  unit: UnitOfWork,
  identity: IdentityNode,
  levels: Iterable<LevelKey>,
  pending: PendingChange[],
): boolean {
  const changed: ChangedAttempt[] = [];
  const removed: AttemptNode[] = [];
  for (const key of levels) {
    const result = updateAttemptsAt(unit, identity, key);
    changed.push(...result.changed);
    removed.push(...result.removed);
  }
  const { user } = identity;
  // Decided attempts come first, so that the end of an attempt precedes the start of the next one in the log.
  for (const { attempt, before } of changed.sort((a, b) => getOrder(a) - getOrder(b))) {
    if (before !== undefined && equal(getVisibleFields(before), getVisibleFields(attempt)))
      continue;
    pending.push({
      ...createPendingLevelChange(user, attempt),
      attemptStatus: attempt.status,
      previousAttemptStatus: before?.status ?? null,
      rejection: attempt.rejection,
    });
  }
  for (const attempt of removed) {
    // Also if the attempt is not stored yet. It is then inserted and deleted, so that its ID, which the log contains, is never
    // reused.
    unit.deletedAttempts.add(attempt.id);
    const change = createPendingLevelChange(user, attempt);
    pending.push({ ...change, previousAttemptStatus: attempt.status });
  }
  return changed.length > 0 || removed.length > 0;
}

function updateAttemptsAt(
  unit: UnitOfWork,
  identity: IdentityNode,
  key: LevelKey,
): { readonly changed: readonly ChangedAttempt[]; readonly removed: Iterable<AttemptNode> } {
  const { unchangedCount, attempts } = getFold(identity).takeChangedAttempts(key);
  const nodes = identity.attempts.get(key) ?? [];
  identity.attempts.set(key, nodes);
  const replaced = new Set(nodes.splice(unchangedCount));
  const matched = matchAttempts(replaced, attempts);
  const changed: ChangedAttempt[] = [];
  for (const projected of attempts) {
    const before = matched.get(projected);
    const attempt: AttemptNode = { ...projected, id: before?.id ?? nextId(unit, 'attempts') };
    nodes.push(attempt);
    if (before !== undefined) replaced.delete(before);
    if (attempt.levelKind !== before?.levelKind) updateLevelKind(unit, attempt);
    if (before !== undefined && equal(before, { ...attempt, levelKind: before.levelKind }))
      continue;
    unit.dirtyAttempts.set(attempt.id, { attempt, identity });
    changed.push({ attempt, before });
  }
  return { changed, removed: replaced };
}

function updateLevelKind(unit: UnitOfWork, { levelKey, levelKind }: AttemptNode): void {
  const kind = lesserKind(unit.levels.get(levelKey)?.kind ?? levelKind, levelKind);
  unit.levels.set(levelKey, { kind });
}

function getOrder({ attempt }: ChangedAttempt): number {
  return attempt.decidedAt === null ? 1 : 0;
}

/** Returns the fields of an attempt whose changes are sent to subscribers. */
function getVisibleFields({ status, rejection, reviewReasons }: AttemptNode): unknown {
  return { status, rejection, reviewReasons };
}
