/** Combines the level states of all identities of a user into the levels of the user. Pure. */

import type { AccountState } from '../event';
import { type Instant, toDate, toInstantText } from '../instant';
import { type LevelKey, lesserKind, type SubjectKind } from '../level';
import { DEFAULT_BLOCKED_BY, type LevelResult, type Policy } from '../policy';
import type { VerificationStatus } from '../status';
import { compare } from '../text';
import { findRenewal } from './decisions';
import type { LevelState } from './level-fold';

/**
 * Version of the projection. Increment it whenever the same events yield a different state: state is stored, so a gateway
 * with another version has to reproject all users.
 */
export const PROJECTION_VERSION = 2;

/** Rules that stay the same as long as the process runs. */
export interface StateRules {
  readonly policy: Policy;
  /** Whether events from a provider's test environment count toward levels and the user's status. */
  readonly acceptSandbox: boolean;
}

export interface ProjectionRules extends StateRules {
  readonly now: Date;
}

/** A level of a user after projection. */
export interface ProjectedLevel extends LevelResult {
  /** The latest attempt: the index of its identity among those of the user, and its sort key. */
  readonly latest: { readonly identity: number; readonly sortKey: string };
}

/** Level state of one stream of one of the user's identities. */
export interface IdentityLevelState extends LevelState {
  /** Index of the identity among those of the user. */
  readonly identity: number;
}

/**
 * Returns the kind of a user. A customer's ID may wrongly name accounts of both a person and a company. Such a user is a
 * person, and only accounts of the same kind count toward levels. Neither kind then verifies the other, in any order of
 * arrival.
 *
 * @param kinds - Kinds of the accounts that have an event that counts.
 */
export function toSubjectKind(kinds: readonly SubjectKind[]): SubjectKind {
  return kinds.length > 0 && kinds.every((kind) => kind === 'COMPANY') ? 'COMPANY' : 'PERSON';
}

/**
 * Whether a user is active. Any deactivated account makes the user inactive. Deleted accounts do so only if no other account
 * exists.
 */
export function isActive(states: readonly AccountState[]): boolean {
  if (states.includes('DEACTIVATED')) return false;
  return states.length === 0 || states.some((state) => state === 'ACTIVE');
}

// ── Levels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const CAUTION: Record<VerificationStatus, number> = { VERIFIED: 0, EXPIRED: 1, NOT_VERIFIED: 2 };

/**
 * Combines the states of one level. If several accounts have events at the level, the latest decision counts. An account that
 * left the level counts only with an approval. The level is superseded if every account left it.
 *
 * @param states - All states of the user at this level.
 * @returns `undefined` if there are no states.
 */
export function combineLevelStates(
  states: readonly IdentityLevelState[],
  blocker: Blocker | undefined,
  rules: ProjectionRules,
): ProjectedLevel | undefined {
  const current = states.filter((state) => !state.superseded || state.status !== 'NOT_VERIFIED');
  const candidates = current.length > 0 ? current : states;
  const [first] = candidates;
  if (first === undefined) return undefined;
  const decisive = candidates.reduce((a, b) => (byDecision(a, b) <= 0 ? b : a), first);
  const newest = candidates.reduce((a, b) => (byStart(a, b) <= 0 ? b : a), first);
  const superseded = states.every((state) => state.superseded);
  const kind = states.map((state) => state.kind).reduce(lesserKind);
  return toProjectedLevel({ ...decisive, kind, superseded }, newest, blocker, rules);
}

/** A final rejection that blocks older approvals. */
export interface Blocker {
  readonly levelKey: LevelKey;
  readonly at: Instant;
}

/**
 * Returns the latest final rejection at one level with a reason that blocks older approvals, or `undefined`. ACTION levels
 * block nothing.
 *
 * @param states - All states of the user at this level.
 */
export function findBlocker(
  states: readonly LevelState[],
  { blockedBy }: Policy,
): Blocker | undefined {
  const codes = blockedBy ?? DEFAULT_BLOCKED_BY;
  const blockers = states.flatMap(({ levelKey, kind, finalRejection }) => {
    if (kind === 'ACTION' || finalRejection === null) return [];
    const blocks = finalRejection.reasons.some(({ code }) => codes.includes(code));
    return blocks ? [{ levelKey, at: finalRejection.at }] : [];
  });
  return findLatestBlocker(blockers);
}

export function findLatestBlocker(blockers: Iterable<Blocker>): Blocker | undefined {
  let latest: Blocker | undefined;
  for (const blocker of blockers) {
    if (latest === undefined || byTime(blocker, latest) >= 0) latest = blocker;
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

function toProjectedLevel(
  decisive: IdentityLevelState,
  newest: IdentityLevelState,
  blocker: Blocker | undefined,
  rules: ProjectionRules,
): ProjectedLevel {
  const { decisions } = decisive;
  const isBlocked =
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
    blockedBy: isBlocked ? blocker.levelKey : null,
    blockedAt: isBlocked ? blocker.at : null,
    latest: { identity: newest.identity, sortKey: newest.latest },
  };
  const { expiresAfterMs } = rules.policy;
  const lifetimeMs = expiresAfterMs[level.levelKey] ?? expiresAfterMs['*'];
  if (level.status !== 'VERIFIED' || lifetimeMs === undefined || decisions === null) return level;
  const expiresAt = addMs(decisions.last, lifetimeMs);
  if (expiresAt <= toInstantText(rules.now)) {
    return { ...level, status: 'EXPIRED', since: expiresAt, expiresAt };
  }
  return { ...level, since: findRenewal(decisions, lifetimeMs) ?? level.since, expiresAt };
}

function addMs(instant: Instant, ms: number): Instant {
  return toInstantText(new Date(toDate(instant).getTime() + ms));
}
