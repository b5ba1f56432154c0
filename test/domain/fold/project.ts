/** Projects events one at a time in the given order, as the store does, for tests that compare complete states. */

import type { AccountState } from '../../../src/domain/event';
import { type AttemptRun, listRuns } from '../../../src/domain/fold/attempt-runs';
import {
  type AttemptHistory,
  continueHistory,
  EMPTY_HISTORY,
} from '../../../src/domain/fold/attempts';
import { IdentityFold, type NumberedAttempt } from '../../../src/domain/fold/identity';
import { toAttemptSortKey } from '../../../src/domain/fold/level-fold';
import type { RecordedEvent } from '../../../src/domain/fold/recorded-event';
import {
  combineLevelStates,
  findBlocker,
  findLatestBlocker,
  isActive,
  type ProjectionRules,
  toSubjectKind,
} from '../../../src/domain/fold/user';
import type { LevelKey, ProviderId, SubjectKind } from '../../../src/domain/level';
import { evaluate, type LevelResult, type Verification } from '../../../src/domain/policy';
import { compare } from '../../../src/domain/text';

export interface IdentityEvents {
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly events: readonly RecordedEvent[];
}

export interface UserProjection {
  readonly kind: SubjectKind;
  readonly identities: readonly {
    readonly kind: SubjectKind;
    readonly state: AccountState;
    readonly attempts: readonly NumberedAttempt[];
  }[];
  readonly levels: readonly (LevelResult & {
    readonly latestAttempt: { readonly identity: number; readonly number: number };
  })[];
  readonly verification: Verification;
  readonly active: boolean;
}

/** @param events - Sorted. */
export function foldAttempts(events: Iterable<RecordedEvent>): Omit<
  AttemptHistory,
  'attempts' | 'lastReceived'
> & {
  readonly attempts: readonly AttemptRun[];
} {
  let history = EMPTY_HISTORY;
  for (const event of events) history = continueHistory(history, event);
  const { attempts, lastReceived: _, ...rest } = history;
  return { ...rest, attempts: listRuns(attempts) };
}

export function projectUser(
  identities: readonly IdentityEvents[],
  rules: ProjectionRules,
): UserProjection {
  const folds = identities.map(({ provider, events }) => {
    const fold = new IdentityFold(provider);
    for (const event of events) if (!fold.has(event.key)) fold.add(event);
    return fold;
  });
  const { acceptSandbox } = rules;
  const known = folds.filter((fold) => fold.hasEvents(acceptSandbox));
  const kind = toSubjectKind(known.map((fold) => fold.kind));
  const attemptsByIdentity = folds.map((fold) =>
    [...fold.levelKeys()].sort(compare).flatMap((key) => fold.takeChangedAttempts(key).attempts),
  );
  const keys = new Set(folds.flatMap((fold) => [...fold.levelKeys()]));
  const getStates = (key: LevelKey) =>
    folds.flatMap((fold, identity) =>
      fold.kind === kind
        ? fold.getLevelStates(key, acceptSandbox).map((state) => ({ ...state, identity }))
        : [],
    );
  const blocker = findLatestBlocker(
    [...keys].flatMap((key) => findBlocker(getStates(key), rules.policy) ?? []),
  );
  const levels = [...keys].sort(compare).flatMap((key) => {
    const level = combineLevelStates(getStates(key), blocker, rules);
    if (level === undefined) return [];
    const { latest, ...result } = level;
    const attempt = attemptsByIdentity[latest.identity]?.findLast(
      (one) => one.levelKey === key && toAttemptSortKey(one) === latest.sortKey,
    );
    const number = attempt?.number ?? 0;
    return [{ ...result, latestAttempt: { identity: latest.identity, number } }];
  });
  const counted = folds.filter((fold) => fold.isCounted(acceptSandbox));
  return {
    kind,
    identities: folds.map((fold, index) => ({
      kind: fold.kind,
      state: fold.getAccountState(acceptSandbox),
      attempts: attemptsByIdentity[index] ?? [],
    })),
    levels,
    verification: evaluate(rules.policy, levels),
    active: isActive(counted.map((fold) => fold.getAccountState(acceptSandbox))),
  };
}
