/** Creates entries of the change log. */

import { randomInt } from 'node:crypto';
import type { Change, ChangeCauseKind } from '../domain/change';
import { type Instant, toInstantText } from '../domain/instant';
import { type LevelKey, splitLevelKey } from '../domain/level';
import { nextId, type UnitOfWork, type UserNode } from './unit-of-work';

/** Cause and time of changes. */
export interface ChangeContext {
  readonly kind: ChangeCauseKind;
  readonly deliveryId: number | null;
  readonly actor: string | null;
  readonly occurredAt: Instant;
}

/** An entry before it gets its position. The projection modifies it in place. */
export type PendingChange = {
  -readonly [Field in keyof Omit<
    Change,
    'seq' | 'nonce' | 'cause' | 'occurredAt' | 'recordedAt'
  >]: Change[Field];
};

/** Creates an entry without any difference between before and after. */
export function createPendingChange(user: UserNode): PendingChange {
  return {
    userId: user.id,
    provider: null,
    levelKey: null,
    attemptId: null,
    attemptStatus: null,
    previousAttemptStatus: null,
    levelStatus: null,
    previousLevelStatus: null,
    verificationStatus: user.verificationStatus,
    previousVerificationStatus: user.verificationStatus,
    active: user.active,
    previousActive: user.active,
    rejection: null,
  };
}

/** Creates such an entry for a level. @param id - ID of the attempt, or `null`. */
export function createPendingLevelChange(
  user: UserNode,
  { levelKey, id }: { readonly levelKey: LevelKey; readonly id: number | null },
): PendingChange {
  const status = user.levels.get(levelKey)?.status ?? null;
  return {
    ...createPendingChange(user),
    provider: splitLevelKey(levelKey).provider,
    levelKey,
    attemptId: id,
    levelStatus: status,
    previousLevelStatus: status,
  };
}

/** Upper limit of `randomInt`. Exact as a JSON number. */
const MAX_NONCE = 2 ** 48 - 1;

export function appendChanges(
  unit: UnitOfWork,
  pending: readonly PendingChange[],
  { occurredAt, kind, deliveryId, actor }: ChangeContext,
  now: Date,
  mergedUserId: number | null = null,
): void {
  const cause = { kind, deliveryId, actor, mergedUserId };
  for (const change of pending) {
    unit.changes.push({
      ...change,
      seq: nextId(unit, 'changes'),
      nonce: randomInt(1, MAX_NONCE),
      cause,
      occurredAt,
      recordedAt: now,
    });
  }
}

export function appendMerge(
  unit: UnitOfWork,
  { from, into }: { readonly from: UserNode; readonly into: UserNode },
  context: ChangeContext,
  now: Date,
): void {
  appendChanges(unit, [createPendingChange(into)], { ...context, kind: 'MERGE' }, now, from.id);
}

/** Appends an entry without a difference, so that subscribers receive the erasure. */
export function appendErasure(unit: UnitOfWork, user: UserNode, actor: string, now: Date): void {
  const occurredAt = toInstantText(now);
  const context: ChangeContext = { kind: 'ERASURE', deliveryId: null, actor, occurredAt };
  appendChanges(unit, [createPendingChange(user)], context, now);
}
