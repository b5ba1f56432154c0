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
export function namedLevels({ verified, expiresAfterMs }: Policy): readonly LevelKey[] {
  const timed = Object.keys(expiresAfterMs).filter((key) => key !== '*');
  return unique([...(verified === null ? [] : levelsOf(verified)), ...timed]);
}

function levelsOf(rule: Rule): readonly LevelKey[] {
  if ('level' in rule) return [rule.level];
  return ('allOf' in rule ? rule.allOf : rule.anyOf).flatMap(levelsOf);
}

/** What a user holds at one level. */
export interface HeldLevel {
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

/** Answers why a user has the status that they have. Pure. */
export function evaluate(policy: Policy, levels: readonly HeldLevel[]): Verification {
  const held = new Map(levels.map((level) => [level.levelKey, level]));
  const finding = judge(policy.verified ?? defaultRule(levels), held);
  const alternatives = finding.status === 'VERIFIED' ? [] : minimal(finding.alternatives);
  const missing = finding.status === 'VERIFIED' ? [] : finding.missing;
  const sinceOf = (key: LevelKey) => held.get(key)?.blockedAt ?? held.get(key)?.since ?? null;
  return {
    status: finding.status,
    since: finding.status === 'NOT_VERIFIED' ? latest(missing.map(sinceOf)) : finding.since,
    expiresAt: finding.status === 'VERIFIED' ? finding.expiresAt : null,
    because: finding.status === 'NOT_VERIFIED' ? [] : unique(finding.because),
    blockedBy: unique(missing.flatMap((key) => held.get(key)?.blockedBy ?? [])),
    missing: unique(missing),
    alternatives,
  };
}

interface Finding extends Omit<Verification, 'blockedBy'> {}

/** A policy of many nested alternatives would multiply to more sets than are of use. */
const MAX_ALTERNATIVES = 32;

/** Every choice of one set from each list, united. */
function combinations(lists: readonly Finding['alternatives'][]): Finding['alternatives'] {
  // United at once: one by one, thousands of levels would cost the square of their number.
  const certain = unique(lists.flatMap((list) => (list.length === 1 ? (list[0] ?? []) : [])));
  return lists
    .filter((list) => list.length !== 1)
    .reduce<Finding['alternatives']>(
      (sets, list) =>
        minimal(sets.flatMap((set) => list.map((further) => unique([...set, ...further])))),
      [certain],
    );
}

/** Without sets that contain another. */
function minimal(sets: Finding['alternatives']): Finding['alternatives'] {
  const kept: (readonly LevelKey[])[] = [];
  for (const set of [...sets].sort((a, b) => a.length - b.length)) {
    if (kept.length === MAX_ALTERNATIVES) break;
    if (!kept.some((smaller) => smaller.every((key) => set.includes(key)))) kept.push(set);
  }
  return kept;
}

const RANK: Record<VerificationStatus, number> = { NOT_VERIFIED: 0, EXPIRED: 1, VERIFIED: 2 };

function judge(rule: Rule, held: ReadonlyMap<LevelKey, HeldLevel>): Finding {
  if ('level' in rule) return judgeLevel(rule.level, held.get(rule.level));
  if ('allOf' in rule) return all(rule.allOf.map((part) => judge(part, held)));
  return any(rule.anyOf.map((part) => judge(part, held)));
}

function judgeLevel(key: LevelKey, level: HeldLevel | undefined): Finding {
  const blocked = level?.status === 'VERIFIED' && level.blockedBy !== null;
  const status = blocked ? 'NOT_VERIFIED' : (level?.status ?? 'NOT_VERIFIED');
  return {
    status,
    since: level?.since ?? null,
    expiresAt: status === 'VERIFIED' ? (level?.expiresAt ?? null) : null,
    because: status === 'NOT_VERIFIED' ? [] : [key],
    missing: status === 'VERIFIED' ? [] : [key],
    alternatives: status === 'VERIFIED' ? [[]] : [[key]],
  };
}

/** As good as the worst part; verified since the last part was, until the first part runs out. */
function all(parts: readonly Finding[]): Finding {
  const status = parts.length === 0 ? 'NOT_VERIFIED' : pick(parts, -1);
  return {
    status,
    since: latest(parts.filter((part) => part.status === status).map((part) => part.since)),
    expiresAt: earliest(parts.map((part) => part.expiresAt)),
    because: parts.flatMap((part) => part.because),
    missing: parts.flatMap((part) => part.missing),
    alternatives: parts.length === 0 ? [] : combinations(parts.map((part) => part.alternatives)),
  };
}

/** As good as the best part; verified since the first such part was, until the last of them runs out. */
function any(parts: readonly Finding[]): Finding {
  const status = parts.length === 0 ? 'NOT_VERIFIED' : pick(parts, 1);
  const best = parts.filter((part) => part.status === status);
  const lasting = best.some((part) => part.expiresAt === null);
  return {
    status,
    since: earliest(best.map((part) => part.since)),
    expiresAt: lasting ? null : latest(best.map((part) => part.expiresAt)),
    because: best.flatMap((part) => part.because),
    missing: parts.flatMap((part) => part.missing),
    alternatives: parts.flatMap((part) => part.alternatives),
  };
}

/** @param sign - 1 for the best part, -1 for the worst. */
function pick(parts: readonly Finding[], sign: 1 | -1): VerificationStatus {
  return parts
    .map(({ status }) => status)
    .reduce((one, other) => (sign * (RANK[other] - RANK[one]) > 0 ? other : one));
}

function defaultRule(levels: readonly HeldLevel[]): Rule {
  const asked = levels.filter((level) => level.kind !== 'ACTION' && !level.superseded);
  const providers = unique(asked.map((level) => level.provider));
  return {
    anyOf: providers.map((provider) => ({
      allOf: asked
        .filter((level) => level.provider === provider)
        .map((level) => ({ level: level.levelKey })),
    })),
  };
}

function latest(instants: readonly (Instant | null)[]): Instant | null {
  return present(instants).reduce<Instant | null>(
    (last, one) => (last === null || one > last ? one : last),
    null,
  );
}

function earliest(instants: readonly (Instant | null)[]): Instant | null {
  return present(instants).reduce<Instant | null>(
    (first, one) => (first === null || one < first ? one : first),
    null,
  );
}

function present(instants: readonly (Instant | null)[]): readonly Instant[] {
  return instants.filter((instant) => instant !== null);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
