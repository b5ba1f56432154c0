/** The verification policy: a rule over levels, and the lifetime of approvals. */

import type { ReasonCode } from './event';
import type { Instant } from './instant';
import type { LevelKey, LevelKind, ProviderId } from './level';
import type { VerificationStatus } from './status';

export type Rule =
  | { readonly level: LevelKey }
  | { readonly anyOf: readonly Rule[] }
  | { readonly allOf: readonly Rule[] };

export interface Policy {
  /** `null` for the default: at one provider, every LEVEL and ADD_ON seen for the user is verified. */
  readonly verified: Rule | null;
  /** Lifetime of an approval, in milliseconds, by level. `*` applies to all levels that have no key of their own. */
  readonly expiresAfterMs: Readonly<Record<LevelKey | '*', number>>;
  /**
   * Reasons of a final rejection that block every older approval of the user, at any provider. Default:
   * `DEFAULT_BLOCKED_BY`.
   */
  readonly blockedBy?: readonly ReasonCode[];
}

export const DEFAULT_BLOCKED_BY: readonly ReasonCode[] = ['AML', 'FRAUD_SUSPECTED'];

export const DEFAULT_POLICY: Policy = { verified: null, expiresAfterMs: {} };

/** Returns the levels in the rule of the policy and in its lifetimes. */
export function listReferencedLevels({ verified, expiresAfterMs }: Policy): readonly LevelKey[] {
  const timed = Object.keys(expiresAfterMs).filter((key) => key !== '*');
  return unique([...(verified === null ? [] : listLevels(verified)), ...timed]);
}

function listLevels(rule: Rule): readonly LevelKey[] {
  if ('level' in rule) return [rule.level];
  return ('allOf' in rule ? rule.allOf : rule.anyOf).flatMap(listLevels);
}

/** State of a user at one level. */
export interface LevelResult {
  readonly provider: ProviderId;
  readonly levelKey: LevelKey;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  readonly expiresAt: Instant | null;
  /** Whether the provider has since moved the user to another level. Only a policy that contains this level still counts it. */
  readonly superseded: boolean;
  /** Level of the later final rejection that blocks the approval, and its time. `null` if none does. */
  readonly blockedBy: LevelKey | null;
  readonly blockedAt: Instant | null;
}

export interface Verification {
  readonly status: VerificationStatus;
  /**
   * Start of the current status. For NOT_VERIFIED, the time at which the last of the missing levels became missing. `null` if
   * no event concerns any of them.
   */
  readonly since: Instant | null;
  /** Expiry of the status while it is VERIFIED. `null` for never. */
  readonly expiresAt: Instant | null;
  /** Levels that cause the status, if it is VERIFIED or EXPIRED. */
  readonly because: readonly LevelKey[];
  /** Levels whose final rejection blocks an approval that the policy requires. */
  readonly blockedBy: readonly LevelKey[];
  /** Levels in `alternatives`. Empty if the status is VERIFIED. */
  readonly missing: readonly LevelKey[];
  /** Sets of levels that are blocked or not VERIFIED. Any one set would suffice. Smallest first, at most 32. */
  readonly alternatives: readonly (readonly LevelKey[])[];
}

/** The part of a verification that is stored with the user. */
export type VerificationState = Pick<Verification, 'status' | 'since' | 'expiresAt'>;

type LevelResults = ReadonlyMap<LevelKey, LevelResult>;

/** Returns the status without its explanation, in one pass over the levels. Pure. */
export function evaluateState({ verified }: Policy, levels: LevelResults): VerificationState {
  const evaluation = verified === null ? evaluateDefault(levels) : evaluateRule(verified, levels);
  const { status, since, expiresAt, missingSince } = evaluation;
  return {
    status,
    since: status === 'NOT_VERIFIED' ? missingSince : since,
    expiresAt: status === 'VERIFIED' ? expiresAt : null,
  };
}

/** Returns the status and its explanation. Pure. */
export function evaluate(policy: Policy, levels: readonly LevelResult[]): Verification {
  const byKey = new Map(levels.map((level) => [level.levelKey, level]));
  const state = evaluateState(policy, byKey);
  const { because, missing, alternatives } = explain(
    policy.verified ?? toDefaultRule(levels),
    byKey,
  );
  const isVerified = state.status === 'VERIFIED';
  return {
    ...state,
    because: state.status === 'NOT_VERIFIED' ? [] : unique(because),
    blockedBy: isVerified ? [] : unique(missing.flatMap((key) => byKey.get(key)?.blockedBy ?? [])),
    missing: isVerified ? [] : unique(missing),
    alternatives: isVerified ? [] : minimal(alternatives),
  };
}

// ── Status ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Evaluation extends VerificationState {
  /** Time at which the last of the missing levels became missing. */
  readonly missingSince: Instant | null;
}

const RANK: Record<VerificationStatus, number> = { NOT_VERIFIED: 0, EXPIRED: 1, VERIFIED: 2 };

const NO_LEVELS: Evaluation = {
  status: 'NOT_VERIFIED',
  since: null,
  expiresAt: null,
  missingSince: null,
};

function evaluateRule(rule: Rule, levels: LevelResults): Evaluation {
  if ('level' in rule) return evaluateLevel(levels.get(rule.level));
  const [parts, join] = 'allOf' in rule ? [rule.allOf, combineAll] : [rule.anyOf, combineAny];
  const [first, ...others] = parts.map((part) => evaluateRule(part, levels));
  return first === undefined ? NO_LEVELS : others.reduce(join, first);
}

/** Evaluates `toDefaultRule` without building the rule, which would double the cost per event. */
function evaluateDefault(levels: LevelResults): Evaluation {
  const byProvider = new Map<ProviderId, Evaluation>();
  for (const level of levels.values()) {
    if (!isRequired(level)) continue;
    const evaluation = evaluateLevel(level);
    const others = byProvider.get(level.provider);
    byProvider.set(
      level.provider,
      others === undefined ? evaluation : combineAll(others, evaluation),
    );
  }
  const [first, ...others] = byProvider.values();
  return first === undefined ? NO_LEVELS : others.reduce(combineAny, first);
}

/** Whether the default policy requires the level. */
function isRequired({ kind, superseded }: LevelResult): boolean {
  return kind !== 'ACTION' && !superseded;
}

function evaluateLevel(level: LevelResult | undefined): Evaluation {
  const status = getCountedStatus(level);
  return {
    status,
    since: level?.since ?? null,
    expiresAt: status === 'VERIFIED' ? (level?.expiresAt ?? null) : null,
    missingSince: status === 'VERIFIED' ? null : (level?.blockedAt ?? level?.since ?? null),
  };
}

/** Returns the status that counts: a blocked approval is NOT_VERIFIED. */
function getCountedStatus(level: LevelResult | undefined): VerificationStatus {
  if (level === undefined) return 'NOT_VERIFIED';
  return level.status === 'VERIFIED' && level.blockedBy !== null ? 'NOT_VERIFIED' : level.status;
}

/** Combines parts of `allOf`: the worse status, since the later start, until the earlier expiry. */
function combineAll(a: Evaluation, b: Evaluation): Evaluation {
  const rank = RANK[a.status] - RANK[b.status];
  return {
    status: rank <= 0 ? a.status : b.status,
    since: rank === 0 ? later(a.since, b.since) : rank < 0 ? a.since : b.since,
    expiresAt: earlier(a.expiresAt, b.expiresAt),
    missingSince: later(a.missingSince, b.missingSince),
  };
}

/** Combines parts of `anyOf`: the better status, since the earlier start, until the later expiry. */
function combineAny(a: Evaluation, b: Evaluation): Evaluation {
  const missingSince = later(a.missingSince, b.missingSince);
  if (a.status !== b.status) {
    return { ...(RANK[a.status] > RANK[b.status] ? a : b), missingSince };
  }
  const isLasting = a.expiresAt === null || b.expiresAt === null;
  return {
    status: a.status,
    since: earlier(a.since, b.since),
    expiresAt: isLasting ? null : later(a.expiresAt, b.expiresAt),
    missingSince,
  };
}

function later(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

function earlier(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

// ── Explanation ─────────────────────────────────────────────────────────────────────────────────────────────────────

function toDefaultRule(levels: readonly LevelResult[]): Rule {
  const required = levels.filter(isRequired);
  const providers = unique(required.map((level) => level.provider));
  return {
    anyOf: providers.map((provider) => ({
      allOf: required
        .filter((level) => level.provider === provider)
        .map((level) => ({ level: level.levelKey })),
    })),
  };
}

interface Explanation
  extends Pick<Verification, 'status' | 'because' | 'missing' | 'alternatives'> {}
type Alternatives = Verification['alternatives'];

function explain(rule: Rule, levels: LevelResults): Explanation {
  if ('level' in rule) return explainLevel(rule.level, getCountedStatus(levels.get(rule.level)));
  const isAll = 'allOf' in rule;
  const parts = (isAll ? rule.allOf : rule.anyOf).map((part) => explain(part, levels));
  const status = pickStatus(parts, isAll ? -1 : 1);
  const decisive = isAll ? parts : parts.filter((part) => part.status === status);
  const alternatives = parts.map((part) => part.alternatives);
  return {
    status,
    because: decisive.flatMap((part) => part.because),
    missing: parts.flatMap((part) => part.missing),
    alternatives: isAll && parts.length > 0 ? combinations(alternatives) : alternatives.flat(),
  };
}

function explainLevel(key: LevelKey, status: VerificationStatus): Explanation {
  return {
    status,
    because: status === 'NOT_VERIFIED' ? [] : [key],
    missing: status === 'VERIFIED' ? [] : [key],
    alternatives: status === 'VERIFIED' ? [[]] : [[key]],
  };
}

/** @param sign - 1 for the best status, -1 for the worst. */
function pickStatus(parts: readonly Explanation[], sign: 1 | -1): VerificationStatus {
  const statuses = parts.map(({ status }) => status);
  if (statuses.length === 0) return 'NOT_VERIFIED';
  return statuses.reduce((one, other) => (sign * (RANK[other] - RANK[one]) > 0 ? other : one));
}

/** Nested alternatives would multiply to more sets than are useful. */
const MAX_ALTERNATIVES = 32;

/** Returns the unions of every choice of one set from each list. */
function combinations(lists: readonly Alternatives[]): Alternatives {
  // Joining the lists with one set first keeps the cost linear for thousands of levels.
  const common = unique(lists.flatMap((list) => (list.length === 1 ? (list[0] ?? []) : [])));
  return lists
    .filter((list) => list.length !== 1)
    .reduce<Alternatives>(
      (sets, list) =>
        minimal(sets.flatMap((set) => list.map((further) => unique([...set, ...further])))),
      [common],
    );
}

/** Removes sets that contain another set. */
function minimal(sets: Alternatives): Alternatives {
  const kept: (readonly LevelKey[])[] = [];
  for (const set of [...sets].sort((a, b) => a.length - b.length)) {
    if (kept.length === MAX_ALTERNATIVES) break;
    if (!kept.some((smaller) => smaller.every((key) => set.includes(key)))) kept.push(set);
  }
  return kept;
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
