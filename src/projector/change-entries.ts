/** Entries of the change log: how one begins, and how it is written down. */

import { randomInt } from 'node:crypto';
import type { Change, ChangeCauseKind } from '../domain/change';
import { type Instant, toInstantText } from '../domain/instant';
import { type LevelKey, splitLevelKey } from '../domain/level';
import { nextId, type UnitOfWork, type UserNode } from './unit-of-work';

/** What brings entries about. */
export interface ChangeContext {
  readonly kind: ChangeCauseKind;
  readonly deliveryId: number | null;
  readonly actor: string | null;
  readonly occurredAt: Instant;
}

/** An entry that is still being found out. */
export type PendingChange = {
  -readonly [Field in keyof Omit<
    Change,
    'seq' | 'nonce' | 'cause' | 'occurredAt' | 'recordedAt'
  >]: Change[Field];
};

/** It says nothing yet: all is as it was. */
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

/** The same, of a level. @param id - Of the attempt. */
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

/** What `randomInt` can give at most; exact as a JSON number. */
const MAX_NONCE = 2 ** 48 - 1;

export function appendChanges(
  unit: UnitOfWork,
  drafts: readonly PendingChange[],
  { occurredAt, kind, deliveryId, actor }: ChangeContext,
  now: Date,
  mergedUserId: number | null = null,
): void {
  const cause = { kind, deliveryId, actor, mergedUserId };
  for (const draft of drafts) {
    unit.changes.push({
      ...draft,
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
  occasion: ChangeContext,
  now: Date,
): void {
  appendChanges(unit, [createPendingChange(into)], { ...occasion, kind: 'MERGE' }, now, from.id);
}

/** Nothing is other than before, but whoever follows the user learns that there is nobody any more. */
export function appendErasure(unit: UnitOfWork, user: UserNode, actor: string, now: Date): void {
  const occurredAt = toInstantText(now);
  const occasion: ChangeContext = { kind: 'ERASURE', deliveryId: null, actor, occurredAt };
  appendChanges(unit, [createPendingChange(user)], occasion, now);
}
