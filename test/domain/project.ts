/** Projects events as the store does, one at a time in the order given, for tests that compare whole states. */

import { type Course, continueCourse, NO_COURSE } from '../../src/domain/attempt';
import { compare } from '../../src/domain/compare';
import type { AccountState } from '../../src/domain/event';
import { IdentityFold, type NumberedAttempt, orderOf } from '../../src/domain/identity-projection';
import type { LevelKey, ProviderId, SubjectKind } from '../../src/domain/level';
import { evaluate, type HeldLevel, type Verification } from '../../src/domain/policy';
import {
  blockerAt,
  combine,
  isActive,
  kindOf,
  latestBlocker,
  type ProjectionRules,
} from '../../src/domain/projection';
import type { RecordedEvent } from '../../src/domain/recorded-event';
import { listRuns, type Run } from '../../src/domain/runs';

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
  readonly levels: readonly (HeldLevel & {
    readonly latestAttempt: { readonly identity: number; readonly number: number };
  })[];
  readonly verification: Verification;
  readonly active: boolean;
}

/** @param events - Sorted. */
export function foldCourse(
  events: Iterable<RecordedEvent>,
): Omit<Course, 'attempts' | 'heard'> & { readonly attempts: readonly Run[] } {
  let course = NO_COURSE;
  for (const event of events) course = continueCourse(course, event);
  const { attempts, heard: _, ...rest } = course;
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
  const known = folds.filter((fold) => fold.known(acceptSandbox));
  const kind = kindOf(known.map((fold) => fold.kind));
  const attemptsOf = folds.map((fold) =>
    [...fold.levelKeys()].sort(compare).flatMap((key) => fold.takeNews(key).attempts),
  );
  const keys = new Set(folds.flatMap((fold) => [...fold.levelKeys()]));
  const standingsAt = (key: LevelKey) =>
    folds.flatMap((fold, identity) =>
      fold.kind === kind
        ? fold.standings(key, acceptSandbox).map((standing) => ({ ...standing, identity }))
        : [],
    );
  const blocker = latestBlocker(
    [...keys].flatMap((key) => blockerAt(standingsAt(key), rules.policy) ?? []),
  );
  const levels = [...keys].sort(compare).flatMap((key) => {
    const level = combine(standingsAt(key), blocker, rules);
    if (level === undefined) return [];
    const { latest, ...held } = level;
    const attempt = attemptsOf[latest.identity]?.findLast(
      (one) => one.levelKey === key && orderOf(one) === latest.order,
    );
    const number = attempt?.number ?? 0;
    return [{ ...held, latestAttempt: { identity: latest.identity, number } }];
  });
  const counted = folds.filter((fold) => fold.counts(acceptSandbox));
  return {
    kind,
    identities: folds.map((fold, index) => ({
      kind: fold.kind,
      state: fold.state(acceptSandbox),
      attempts: attemptsOf[index] ?? [],
    })),
    levels,
    verification: evaluate(rules.policy, levels),
    active: isActive(counted.map((fold) => fold.state(acceptSandbox))),
  };
}
