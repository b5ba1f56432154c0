/** The same for as long as a gateway runs. */

import type { AccountState } from '../event';
import { type Instant, toDate, toInstantText } from '../instant';
import { type LevelKey, lesserKind, type SubjectKind } from '../level';
import { DEFAULT_BLOCKED_BY, type LevelResult, type Policy } from '../policy';
import type { VerificationStatus } from '../status';
import { compare } from '../text';
import { findRenewal } from './decisions';
import type { LevelState } from './identity';

/**
 * To be raised whenever the same events come to another state than before: state is kept, so a gateway that projects
 * otherwise has to project everybody again.
 */
export const PROJECTION_VERSION = 2;
export interface StateRules {
  readonly policy: Policy;
  /** Whether events from a vendor's test environment count toward levels and the user's status. */
  readonly acceptSandbox: boolean;
}

export interface ProjectionRules extends StateRules {
  readonly now: Date;
}

export interface ProjectedLevel extends LevelResult {
  /** Its latest attempt: the place of its identity among those of the user, and its order among theirs. */
  readonly latest: { readonly identity: number; readonly order: string };
}

/** What one stream of one identity makes of a level. */
export interface IdentityLevelState extends LevelState {
  /** Place of the identity among those of the user. */
  readonly identity: number;
}

/**
 * A customer's ID may wrongly name accounts of a person and of a company. Such a user is a person, and only the accounts of
 * the same kind hold levels, so that neither verifies the other in any order of arrival.
 *
 * @param kinds - Of the accounts about which there is an event that counts.
 */
export function toSubjectKind(kinds: readonly SubjectKind[]): SubjectKind {
  return kinds.length > 0 && kinds.every((kind) => kind === 'COMPANY') ? 'COMPANY' : 'PERSON';
}

/** A switched-off account anywhere switches the user off; a deleted one only if no other is left. */
export function isActive(states: readonly AccountState[]): boolean {
  if (states.includes('DEACTIVATED')) return false;
  return states.length === 0 || states.some((state) => state === 'ACTIVE');
}

// ── Levels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const CAUTION: Record<VerificationStatus, number> = { VERIFIED: 0, EXPIRED: 1, NOT_VERIFIED: 2 };

/**
 * One level. If several accounts have events at it, the latest decision counts; accounts that left the level take part with an
 * approval only. The level is superseded if all of them left it.
 *
 * @param standings - All of the user at this level.
 */
export function combineLevelStates(
  standings: readonly IdentityLevelState[],
  blocker: Blocker | undefined,
  rules: ProjectionRules,
): ProjectedLevel | undefined {
  const current = standings.filter((one) => !one.superseded || one.status !== 'NOT_VERIFIED');
  const candidates = current.length > 0 ? current : standings;
  const [first] = candidates;
  if (first === undefined) return undefined;
  const decisive = candidates.reduce((a, b) => (byDecision(a, b) <= 0 ? b : a), first);
  const newest = candidates.reduce((a, b) => (byStart(a, b) <= 0 ? b : a), first);
  const superseded = standings.every((standing) => standing.superseded);
  const kind = standings.map((standing) => standing.kind).reduce(lesserKind);
  return toUserLevel({ ...decisive, kind, superseded }, newest, blocker, rules);
}

export interface Blocker {
  readonly levelKey: LevelKey;
  readonly at: Instant;
}

/**
 * The latest final rejection at one level for a reason that blocks older approvals. Single actions block nothing.
 *
 * @param standings - All of the user at this level.
 */
export function findBlocker(
  standings: readonly LevelState[],
  { blockedBy }: Policy,
): Blocker | undefined {
  const codes = blockedBy ?? DEFAULT_BLOCKED_BY;
  const blockers = standings.flatMap(({ levelKey, kind, finalRejection }) => {
    if (kind === 'ACTION' || finalRejection === null) return [];
    const blocks = finalRejection.reasons.some(({ code }) => codes.includes(code));
    return blocks ? [{ levelKey, at: finalRejection.at }] : [];
  });
  return findLatestBlocker(blockers);
}

export function findLatestBlocker(blockers: Iterable<Blocker>): Blocker | undefined {
  let latest: Blocker | undefined;
  for (const one of blockers) {
    if (latest === undefined || byTime(one, latest) >= 0) latest = one;
  }
  return latest;
}

function byTime(a: Blocker, b: Blocker): number {
  return compare(a.at, b.at) || compare(a.levelKey, b.levelKey);
}

function byDecision(a: IdentityLevelState, b: IdentityLevelState): number {
  return (
    compare(a.decisions?.last ?? '', b.decisions?.last ?? '') ||
    CAUTION[a.status] - CAUTION[b.status] ||
    byStart(a, b)
  );
}

function byStart(a: IdentityLevelState, b: IdentityLevelState): number {
  return compare(a.latest, b.latest) || a.identity - b.identity;
}

function toUserLevel(
  decisive: IdentityLevelState,
  newest: IdentityLevelState,
  blocker: Blocker | undefined,
  rules: ProjectionRules,
): ProjectedLevel {
  const { decisions } = decisive;
  const blocks =
    decisive.status === 'VERIFIED' &&
    blocker !== undefined &&
    decisions !== null &&
    decisions.last <= blocker.at;
  const level: ProjectedLevel = {
    provider: decisive.provider,
    levelKey: decisive.levelKey,
    kind: decisive.kind,
    status: decisive.status,
    since: decisive.since,
    expiresAt: null,
    superseded: decisive.superseded,
    blockedBy: blocks ? blocker.levelKey : null,
    blockedAt: blocks ? blocker.at : null,
    latest: { identity: newest.identity, order: newest.latest },
  };
  const { expiresAfterMs } = rules.policy;
  const lifetimeMs = expiresAfterMs[level.levelKey] ?? expiresAfterMs['*'];
  if (level.status !== 'VERIFIED' || lifetimeMs === undefined || decisions === null) return level;
  const expiresAt = plus(decisions.last, lifetimeMs);
  if (expiresAt <= toInstantText(rules.now)) {
    return { ...level, status: 'EXPIRED', since: expiresAt, expiresAt };
  }
  return { ...level, since: findRenewal(decisions, lifetimeMs) ?? level.since, expiresAt };
}

function plus(instant: Instant, ms: number): Instant {
  return toInstantText(new Date(toDate(instant).getTime() + ms));
}
