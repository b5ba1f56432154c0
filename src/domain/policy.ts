/** When a user counts as verified: a rule over levels, and how long an approval lasts. */

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
}

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
  /** Levels that the policy asks for and that are not VERIFIED; empty when the status is VERIFIED. */
  readonly missing: readonly LevelKey[];
}

/** Answers why a user has the status that they have. Pure. */
export function evaluate(policy: Policy, levels: readonly HeldLevel[]): Verification {
  const held = new Map(levels.map((level) => [level.levelKey, level]));
  const finding = judge(policy.verified ?? defaultRule(levels), held);
  const missing = finding.status === 'VERIFIED' ? [] : finding.missing;
  const sinceOf = (key: LevelKey) => held.get(key)?.since ?? null;
  return {
    status: finding.status,
    since: finding.status === 'NOT_VERIFIED' ? latest(missing.map(sinceOf)) : finding.since,
    expiresAt: finding.status === 'VERIFIED' ? finding.expiresAt : null,
    because: finding.status === 'NOT_VERIFIED' ? [] : unique(finding.because),
    missing: unique(missing),
  };
}

interface Finding extends Verification {}

const RANK: Record<VerificationStatus, number> = { NOT_VERIFIED: 0, EXPIRED: 1, VERIFIED: 2 };

function judge(rule: Rule, held: ReadonlyMap<LevelKey, HeldLevel>): Finding {
  if ('level' in rule) return judgeLevel(rule.level, held.get(rule.level));
  if ('allOf' in rule) return all(rule.allOf.map((part) => judge(part, held)));
  return any(rule.anyOf.map((part) => judge(part, held)));
}

function judgeLevel(key: LevelKey, level: HeldLevel | undefined): Finding {
  const status = level?.status ?? 'NOT_VERIFIED';
  return {
    status,
    since: level?.since ?? null,
    expiresAt: status === 'VERIFIED' ? (level?.expiresAt ?? null) : null,
    because: status === 'NOT_VERIFIED' ? [] : [key],
    missing: status === 'VERIFIED' ? [] : [key],
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
  };
}

function pick(parts: readonly Finding[], sign: 1 | -1): VerificationStatus {
  return (
    [...parts].sort((a, b) => sign * (RANK[b.status] - RANK[a.status]))[0]?.status ?? 'NOT_VERIFIED'
  );
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
  return [...present(instants)].sort().at(-1) ?? null;
}

function earliest(instants: readonly (Instant | null)[]): Instant | null {
  return [...present(instants)].sort()[0] ?? null;
}

function present(instants: readonly (Instant | null)[]): readonly Instant[] {
  return instants.filter((instant) => instant !== null);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
