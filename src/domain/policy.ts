/** When a user counts as verified: a rule over levels, and how long an approval lasts. */

import type { ReasonCode } from './event';
import type { Instant } from './instant';
import type { LevelKey, LevelKind, ProviderId } from './level';
import type { VerificationStatus } from './status';

export type Rule =
  | { readonly level: LevelKey }
  | { readonly anyOf: readonly Rule[] }
  | { readonly allOf: readonly Rule[] };

export interface Policy {
  /** `null`: at some one provider, every LEVEL and ADD_ON seen for the user is verified. */
  readonly verified: Rule | null;
  /** How long an approval lasts, in milliseconds, per level; `*` for every level that is not named. */
  readonly expiresAfterMs: Readonly<Record<LevelKey | '*', number>>;
  /**
   * A final rejection for one of these reasons blocks every older approval of the user, at any provider. Absent:
   * `DEFAULT_BLOCKED_BY`.
   */
  readonly blockedBy?: readonly ReasonCode[];
}

export const DEFAULT_BLOCKED_BY: readonly ReasonCode[] = ['AML', 'FRAUD_SUSPECTED'];

export const DEFAULT_POLICY: Policy = { verified: null, expiresAfterMs: {} };

/** Levels that the policy names, in its rule or for a duration. */
export function listReferencedLevels({ verified, expiresAfterMs }: Policy): readonly LevelKey[] {
  const timed = Object.keys(expiresAfterMs).filter((key) => key !== '*');
  return unique([...(verified === null ? [] : levelsOf(verified)), ...timed]);
}

function levelsOf(rule: Rule): readonly LevelKey[] {
  if ('level' in rule) return [rule.level];
  return ('allOf' in rule ? rule.allOf : rule.anyOf).flatMap(levelsOf);
}

/** What a user holds at one level. */
export interface LevelResult {
  readonly provider: ProviderId;
  readonly levelKey: LevelKey;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  readonly expiresAt: Instant | null;
  /** Whether the vendor has since moved the user to another level: only a policy that names this one still counts it. */
  readonly superseded: boolean;
  /** Level of the later final rejection that blocks the approval, and the time of that rejection; `null` if none does. */
  readonly blockedBy: LevelKey | null;
  readonly blockedAt: Instant | null;
}

export interface Verification {
  readonly status: VerificationStatus;
  /**
   * Since when the status is what it is; for NOT_VERIFIED, when the last of the missing levels came to be missed. `null`
   * while nothing has been said about any of them.
   */
  readonly since: Instant | null;
  /** When it runs out, while it is VERIFIED; `null` for never. */
  readonly expiresAt: Instant | null;
  /** Levels that make the status what it is, where it is VERIFIED or EXPIRED. */
  readonly because: readonly LevelKey[];
  /** Levels whose final rejection blocks an approval that the policy asks for. */
  readonly blockedBy: readonly LevelKey[];
  /** Levels that occur in `alternatives`; empty when the status is VERIFIED. */
  readonly missing: readonly LevelKey[];
  /** Sets of levels that are not VERIFIED or are blocked; any one set would suffice. Smallest first, at most 32. */
  readonly alternatives: readonly (readonly LevelKey[])[];
}

/** The part of a verification that is stored with the user. */
export type VerificationState = Pick<Verification, 'status' | 'since' | 'expiresAt'>;

/** Levels by key. */
type HeldLevels = ReadonlyMap<LevelKey, LevelResult>;

/** Returns the status without its explanation. Costs one pass over the levels. Pure. */
export function evaluateState({ verified }: Policy, held: HeldLevels): VerificationState {
  const finding = verified === null ? judgeByDefault(held) : judge(verified, held);
  const { status, since, expiresAt, missedSince } = finding;
  return {
    status,
    since: status === 'NOT_VERIFIED' ? missedSince : since,
    expiresAt: status === 'VERIFIED' ? expiresAt : null,
  };
}

/** Returns the status and its explanation. Pure. */
export function evaluate(policy: Policy, levels: readonly LevelResult[]): Verification {
  const held = new Map(levels.map((level) => [level.levelKey, level]));
  const state = evaluateState(policy, held);
  const { because, missing, alternatives } = explain(policy.verified ?? defaultRule(levels), held);
  const isVerified = state.status === 'VERIFIED';
  return {
    ...state,
    because: state.status === 'NOT_VERIFIED' ? [] : unique(because),
    blockedBy: isVerified ? [] : unique(missing.flatMap((key) => held.get(key)?.blockedBy ?? [])),
    missing: isVerified ? [] : unique(missing),
    alternatives: isVerified ? [] : minimal(alternatives),
  };
}

// ── Status ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Finding extends VerificationState {
  /** When the last of the missing levels became missing. */
  readonly missedSince: Instant | null;
}

const RANK: Record<VerificationStatus, number> = { NOT_VERIFIED: 0, EXPIRED: 1, VERIFIED: 2 };

const UNSEEN: Finding = { status: 'NOT_VERIFIED', since: null, expiresAt: null, missedSince: null };

function judge(rule: Rule, held: HeldLevels): Finding {
  if ('level' in rule) return judgeLevel(held.get(rule.level));
  const [parts, join] = 'allOf' in rule ? [rule.allOf, both] : [rule.anyOf, either];
  const [first, ...others] = parts.map((part) => judge(part, held));
  return first === undefined ? UNSEEN : others.reduce(join, first);
}

/** Judges by `defaultRule` without building the rule, which would cost as much again per event. */
function judgeByDefault(held: HeldLevels): Finding {
  const byProvider = new Map<ProviderId, Finding>();
  for (const level of held.values()) {
    if (!isAsked(level)) continue;
    const finding = judgeLevel(level);
    const others = byProvider.get(level.provider);
    byProvider.set(level.provider, others === undefined ? finding : both(others, finding));
  }
  const [first, ...others] = byProvider.values();
  return first === undefined ? UNSEEN : others.reduce(either, first);
}

/** Whether the default policy asks for the level. */
function isAsked({ kind, superseded }: LevelResult): boolean {
  return kind !== 'ACTION' && !superseded;
}

function judgeLevel(level: LevelResult | undefined): Finding {
  const status = statusAt(level);
  return {
    status,
    since: level?.since ?? null,
    expiresAt: status === 'VERIFIED' ? (level?.expiresAt ?? null) : null,
    missedSince: status === 'VERIFIED' ? null : (level?.blockedAt ?? level?.since ?? null),
  };
}

/** A blocked approval does not count. */
function statusAt(level: LevelResult | undefined): VerificationStatus {
  if (level === undefined) return 'NOT_VERIFIED';
  return level.status === 'VERIFIED' && level.blockedBy !== null ? 'NOT_VERIFIED' : level.status;
}

/** As good as the worse one; verified since the later one was, until the first one runs out. */
function both(a: Finding, b: Finding): Finding {
  const rank = RANK[a.status] - RANK[b.status];
  return {
    status: rank <= 0 ? a.status : b.status,
    since: rank === 0 ? later(a.since, b.since) : rank < 0 ? a.since : b.since,
    expiresAt: earlier(a.expiresAt, b.expiresAt),
    missedSince: later(a.missedSince, b.missedSince),
  };
}

/** As good as the better one; verified since the earlier one was, until the last one runs out. */
function either(a: Finding, b: Finding): Finding {
  const missedSince = later(a.missedSince, b.missedSince);
  if (a.status !== b.status) {
    return { ...(RANK[a.status] > RANK[b.status] ? a : b), missedSince };
  }
  const isLasting = a.expiresAt === null || b.expiresAt === null;
  return {
    status: a.status,
    since: earlier(a.since, b.since),
    expiresAt: isLasting ? null : later(a.expiresAt, b.expiresAt),
    missedSince,
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

function defaultRule(levels: readonly LevelResult[]): Rule {
  const asked = levels.filter(isAsked);
  const providers = unique(asked.map((level) => level.provider));
  return {
    anyOf: providers.map((provider) => ({
      allOf: asked
        .filter((level) => level.provider === provider)
        .map((level) => ({ level: level.levelKey })),
    })),
  };
}

interface Explanation
  extends Pick<Verification, 'status' | 'because' | 'missing' | 'alternatives'> {}
type Alternatives = Verification['alternatives'];

function explain(rule: Rule, held: HeldLevels): Explanation {
  if ('level' in rule) return explainLevel(rule.level, statusAt(held.get(rule.level)));
  const isAll = 'allOf' in rule;
  const parts = (isAll ? rule.allOf : rule.anyOf).map((part) => explain(part, held));
  const status = pick(parts, isAll ? -1 : 1);
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

/** @param sign - 1 for the best part, -1 for the worst. */
function pick(parts: readonly Explanation[], sign: 1 | -1): VerificationStatus {
  const statuses = parts.map(({ status }) => status);
  if (statuses.length === 0) return 'NOT_VERIFIED';
  return statuses.reduce((one, other) => (sign * (RANK[other] - RANK[one]) > 0 ? other : one));
}

/** A policy of many nested alternatives would multiply to more sets than are of use. */
const MAX_ALTERNATIVES = 32;

/** Every choice of one set from each list, united. */
function combinations(lists: readonly Alternatives[]): Alternatives {
  // United at once: one by one, thousands of levels would cost the square of their number.
  const certain = unique(lists.flatMap((list) => (list.length === 1 ? (list[0] ?? []) : [])));
  return lists
    .filter((list) => list.length !== 1)
    .reduce<Alternatives>(
      (sets, list) =>
        minimal(sets.flatMap((set) => list.map((further) => unique([...set, ...further])))),
      [certain],
    );
}

/** Without sets that contain another. */
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
