/** From events to state: what a user's identities, attempts, levels and status are, given all that was said. Pure. */

import { compare } from './compare';
import type { AccountState } from './event';
import {
  type IdentityEvents,
  type IdentityProjection,
  orderOf,
  type ProjectedIdentity,
  projectIdentity,
  type Standing,
} from './identity-projection';
import { type Instant, instantOf, toDate } from './instant';
import { type LevelKey, lesserKind, type SubjectKind } from './level';
import {
  DEFAULT_BLOCKED_BY,
  evaluate,
  type HeldLevel,
  type Policy,
  type Verification,
} from './policy';
import { byOccurrence, type RecordedEvent } from './recorded-event';
import type { VerificationStatus } from './status';

/**
 * To be raised whenever the same events come to another state than before: state is kept, so a gateway that projects
 * otherwise has to project everybody again.
 */
export const PROJECTION_VERSION = 2;

/** The same for as long as a gateway runs. */
export interface StateRules {
  readonly policy: Policy;
  /** Whether events from a vendor's test environment count toward levels and the user's status. */
  readonly acceptSandbox: boolean;
}

export interface ProjectionRules extends StateRules {
  readonly now: Date;
}

export interface UserProjection {
  readonly kind: SubjectKind;
  /** In the order of the identities given. */
  readonly identities: readonly IdentityProjection[];
  /** Sorted by level key. */
  readonly levels: readonly UserLevel[];
  readonly verification: Verification;
  readonly active: boolean;
}

export interface UserLevel extends HeldLevel {
  readonly latestAttempt: { readonly identity: number; readonly number: number };
}

/** @param identities - All of one user's. */
export function projectUser(
  identities: readonly IdentityEvents[],
  rules: ProjectionRules,
): UserProjection {
  const projected = identities.map((identity, index) =>
    projectIdentity(identity, index, rules.acceptSandbox),
  );
  const kind = kindOf(projected);
  const levels = combine(
    projected.filter((one) => one.kind === kind).flatMap((one) => one.standings),
    rules,
  );
  return {
    kind,
    identities: projected.map(({ kind, state, attempts }) => ({ kind, state, attempts })),
    levels,
    verification: evaluate(rules.policy, levels),
    active: isActive(projected.filter((one) => one.counts).map((one) => one.state)),
  };
}

/**
 * A customer's ID may wrongly name accounts of a person and of a company. Such a user is a person, and only the accounts of
 * the same kind hold levels, so that neither verifies the other in any order of arrival.
 */
function kindOf(identities: readonly ProjectedIdentity[]): SubjectKind {
  const known = identities.filter((one) => one.known);
  return known.length > 0 && known.every((one) => one.kind === 'COMPANY') ? 'COMPANY' : 'PERSON';
}

/** A switched-off account anywhere switches the user off; a deleted one only if no other is left. */
function isActive(states: readonly AccountState[]): boolean {
  if (states.includes('DEACTIVATED')) return false;
  return states.length === 0 || states.some((state) => state === 'ACTIVE');
}

/** Our customer's id of the user, by the vendor's latest word. */
export function latestExternalUserId(events: readonly RecordedEvent[]): string | null {
  const naming = events.filter(({ event }) => event.externalUserId !== undefined);
  return [...naming].sort(byOccurrence).at(-1)?.event.externalUserId ?? null;
}

// ── Levels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const CAUTION: Record<VerificationStatus, number> = { VERIFIED: 0, EXPIRED: 1, NOT_VERIFIED: 2 };

/**
 * One entry per level. If several accounts have events at the same level, the latest decision counts; accounts that left the
 * level take part with an approval only. The level is superseded if all of them left it.
 */
function combine(standings: readonly Standing[], rules: ProjectionRules): readonly UserLevel[] {
  const blocker = latestBlocker(standings, rules.policy);
  const byLevel = new Map<LevelKey, Standing[]>();
  for (const standing of standings) {
    const several = byLevel.get(standing.levelKey) ?? [];
    several.push(standing);
    byLevel.set(standing.levelKey, several);
  }
  return [...byLevel]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([, several]) => {
      const superseded = several.every((standing) => standing.superseded);
      const current = several.filter((one) => !one.superseded || one.status !== 'NOT_VERIFIED');
      const candidates = current.length > 0 ? current : several;
      const decisive = [...candidates].sort(byDecision).at(-1);
      const newest = [...candidates].sort(byStart).at(-1);
      if (decisive === undefined || newest === undefined) return [];
      const kind = several.map((standing) => standing.kind).reduce(lesserKind);
      return [toUserLevel({ ...decisive, kind, superseded }, newest, blocker, rules)];
    });
}

interface Blocker {
  readonly levelKey: LevelKey;
  readonly at: Instant;
}

/** The latest final rejection for a reason that blocks older approvals. Single actions block nothing. */
function latestBlocker(standings: readonly Standing[], { blockedBy }: Policy): Blocker | undefined {
  const codes = blockedBy ?? DEFAULT_BLOCKED_BY;
  const blockers = standings.flatMap(({ levelKey, kind, finalRejection }) => {
    if (kind === 'ACTION' || finalRejection === null) return [];
    const blocks = finalRejection.reasons.some(({ code }) => codes.includes(code));
    return blocks ? [{ levelKey, at: finalRejection.at }] : [];
  });
  return blockers.sort((a, b) => compare(a.at, b.at) || compare(a.levelKey, b.levelKey)).at(-1);
}

function byDecision(a: Standing, b: Standing): number {
  return (
    compare(a.decisions.at(-1) ?? '', b.decisions.at(-1) ?? '') ||
    CAUTION[a.status] - CAUTION[b.status] ||
    byStart(a, b)
  );
}

function byStart(a: Standing, b: Standing): number {
  return compare(orderOf(a.latestAttempt), orderOf(b.latestAttempt)) || a.identity - b.identity;
}

function toUserLevel(
  decisive: Standing,
  newest: Standing,
  blocker: Blocker | undefined,
  rules: ProjectionRules,
): UserLevel {
  const latest = decisive.decisions.at(-1);
  const blocks =
    decisive.status === 'VERIFIED' &&
    blocker !== undefined &&
    latest !== undefined &&
    blocker.levelKey !== decisive.levelKey &&
    latest <= blocker.at;
  const level: UserLevel = {
    provider: decisive.provider,
    levelKey: decisive.levelKey,
    kind: decisive.kind,
    status: decisive.status,
    since: decisive.since,
    expiresAt: null,
    superseded: decisive.superseded,
    blockedBy: blocks ? blocker.levelKey : null,
    blockedAt: blocks ? blocker.at : null,
    latestAttempt: { identity: newest.identity, number: newest.latestAttempt.number },
  };
  const { expiresAfterMs } = rules.policy;
  const lifetimeMs = expiresAfterMs[level.levelKey] ?? expiresAfterMs['*'];
  if (level.status !== 'VERIFIED' || lifetimeMs === undefined || latest === undefined) return level;
  const expiresAt = plus(latest, lifetimeMs);
  if (expiresAt <= instantOf(rules.now)) {
    return { ...level, status: 'EXPIRED', since: expiresAt, expiresAt };
  }
  return { ...level, since: lastBreak(decisive.decisions, lifetimeMs) ?? level.since, expiresAt };
}

/** When an approval came that found the one before it run out. */
function lastBreak(approvals: readonly Instant[], lifetimeMs: number): Instant | undefined {
  return approvals.findLast((at, index) => {
    const before = approvals[index - 1];
    return before !== undefined && plus(before, lifetimeMs) <= at;
  });
}

function plus(instant: Instant, ms: number): Instant {
  return instantOf(new Date(toDate(instant).getTime() + ms));
}
