/**
 * Parser of the policy file, which defines when a user counts as verified.
 *
 * ```json
 * {
 *   "verified": { "anyOf": ["sumsub/basic-kyc-level", { "allOf": ["fractal-id/basic", "fractal-id/liveness"] }] },
 *   "expiresAfter": { "sumsub/basic-kyc-level": "P365D", "*": "P2Y" },
 *   "blockedBy": ["FRAUD_SUSPECTED", "AML"]
 * }
 * ```
 *
 * Every key is optional.
 */

import { REASON_CODES, type ReasonCode } from '../domain/event';
import type { LevelKey, ProviderId } from '../domain/level';
import { DEFAULT_POLICY, type Policy, type Rule } from '../domain/policy';
import { parseDurationMs, parseJson } from './parsers';

/** Called for each fault with its path (`verified.anyOf[1]`, `''` for the file) and the expected value (completes "must be …"). */
type ReportFault = (path: string, expected: string) => void;

interface ParseContext {
  readonly providerIds: readonly ProviderId[];
  readonly reportFault: ReportFault;
}

/**
 * @param text - Content of the file.
 * @returns The policy. Invalid if `reportFault` was called.
 */
export function parsePolicy(
  text: string,
  providerIds: readonly ProviderId[],
  reportFault: ReportFault,
): Policy {
  const file = parseJson(text);
  if (!isObject(file)) {
    reportFault('', 'a JSON object');
    return DEFAULT_POLICY;
  }
  const context = { providerIds, reportFault };
  assertKeys(file, '', ['verified', 'expiresAfter', 'blockedBy'], context);
  return {
    verified: file.verified === undefined ? null : parseRule(file.verified, 'verified', context),
    expiresAfterMs: parseExpiry(file.expiresAfter, context),
    ...(file.blockedBy !== undefined && { blockedBy: parseReasons(file.blockedBy, context) }),
  };
}

function parseRule(value: unknown, path: string, context: ParseContext): Rule {
  if (typeof value === 'string') return { level: parseLevelKey(value, path, context) };
  if (isObject(value) && Object.keys(value).length === 1) {
    const { anyOf, allOf } = value;
    if (anyOf !== undefined) return { anyOf: parseRules(anyOf, `${path}.anyOf`, context) };
    if (allOf !== undefined) return { allOf: parseRules(allOf, `${path}.allOf`, context) };
  }
  context.reportFault(
    path,
    'a level such as `sumsub/basic-kyc-level`, or an object whose only key is `anyOf` or `allOf`',
  );
  return { anyOf: [] };
}

function parseRules(value: unknown, path: string, context: ParseContext): readonly Rule[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((part, index) => parseRule(part, `${path}[${index}]`, context));
  }
  context.reportFault(path, 'a list of at least one level or rule'); // an empty list would never verify a user
  return [];
}

function parseReasons(value: unknown, { reportFault }: ParseContext): readonly ReasonCode[] {
  const codes = Array.isArray(value) ? value : [value];
  const known = REASON_CODES.filter((code) => codes.includes(code));
  if (Array.isArray(value) && known.length === new Set(codes).size) return known;
  reportFault('blockedBy', `a list of reason codes: ${REASON_CODES.join(', ')}`);
  return [];
}

function parseExpiry(value: unknown, context: ParseContext): Policy['expiresAfterMs'] {
  if (value === undefined) return {};
  if (!isObject(value)) {
    context.reportFault('expiresAfter', 'an object of durations by level');
    return {};
  }
  const entries = Object.entries(value).map(([key, duration]): [LevelKey, number] => {
    const path = `expiresAfter[${JSON.stringify(key)}]`;
    if (key !== '*') parseLevelKey(key, path, context);
    return [key, parseDuration(duration, path, context)];
  });
  return Object.fromEntries(entries);
}

function parseDuration(value: unknown, path: string, context: ParseContext): number {
  const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
  if (ms === undefined)
    context.reportFault(path, 'an ISO 8601 duration above zero, for example `P365D`');
  return ms ?? 0;
}

function parseLevelKey(
  value: string,
  path: string,
  { providerIds, reportFault }: ParseContext,
): LevelKey {
  const known = providerIds.some(
    (id) => value.startsWith(`${id}/`) && value.length > id.length + 1,
  );
  if (!known)
    reportFault(
      path,
      `a level \`provider/name\` whose provider is one of ${providerIds.join(', ')}`,
    );
  return value;
}

/** Rejects unknown keys: a misspelled key would disable a rule without a warning. */
function assertKeys(
  value: object,
  path: string,
  keys: readonly string[],
  context: ParseContext,
): void {
  const known = Object.keys(value).every((key) => keys.includes(key));
  if (!known) context.reportFault(path, `an object whose only keys are ${keys.join(', ')}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
