/**
 * The policy file: when a user counts as verified.
 *
 * ```json
 * {
 *   "verified": { "anyOf": ["sumsub/basic-kyc-level", { "allOf": ["fractal-id/basic", "fractal-id/liveness"] }] },
 *   "expiresAfter": { "sumsub/basic-kyc-level": "P365D", "*": "P2Y" },
 *   "blockedBy": ["FRAUD_SUSPECTED", "AML"]
 * }
 * ```
 *
 * Every part may be left out.
 */

import { REASON_CODES, type ReasonCode } from '../domain/event';
import type { LevelKey, ProviderId } from '../domain/level';
import { DEFAULT_POLICY, type Policy, type Rule } from '../domain/policy';
import { parseDurationMs, parseJson } from './parsers';

/** Told of each fault: where in the file (`verified.anyOf[1]`, `''` for the whole), and what was expected there. */
type Complain = (path: string, expected: string) => void;

interface Reading {
  readonly providerIds: readonly ProviderId[];
  readonly complain: Complain;
}

/**
 * @param text - The file's content.
 * @returns the policy; meaningless if `complain` was called.
 */
export function parsePolicy(
  text: string,
  providerIds: readonly ProviderId[],
  complain: Complain,
): Policy {
  const file = parseJson(text);
  if (!isObject(file)) {
    complain('', 'a JSON object');
    return DEFAULT_POLICY;
  }
  const reading = { providerIds, complain };
  assertKeys(file, '', ['verified', 'expiresAfter', 'blockedBy'], reading);
  return {
    verified: file.verified === undefined ? null : readRule(file.verified, 'verified', reading),
    expiresAfterMs: readExpiry(file.expiresAfter, reading),
    ...(file.blockedBy !== undefined && { blockedBy: readReasons(file.blockedBy, reading) }),
  };
}

function readRule(value: unknown, path: string, reading: Reading): Rule {
  if (typeof value === 'string') return { level: readLevelKey(value, path, reading) };
  if (isObject(value) && Object.keys(value).length === 1) {
    const { anyOf, allOf } = value;
    if (anyOf !== undefined) return { anyOf: readRules(anyOf, `${path}.anyOf`, reading) };
    if (allOf !== undefined) return { allOf: readRules(allOf, `${path}.allOf`, reading) };
  }
  reading.complain(
    path,
    'a level such as `sumsub/basic-kyc-level`, or an object whose only key is `anyOf` or `allOf`; there is no other operator',
  );
  return { anyOf: [] };
}

function readRules(value: unknown, path: string, reading: Reading): readonly Rule[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((part, index) => readRule(part, `${path}[${index}]`, reading));
  }
  reading.complain(path, 'a list of at least one level or rule'); // an empty one would verify nobody, ever
  return [];
}

function readReasons(value: unknown, { complain }: Reading): readonly ReasonCode[] {
  const codes = Array.isArray(value) ? value : [value];
  const known = REASON_CODES.filter((code) => codes.includes(code));
  if (Array.isArray(value) && known.length === new Set(codes).size) return known;
  complain('blockedBy', `a list of any of ${REASON_CODES.join(', ')}`);
  return [];
}

function readExpiry(value: unknown, reading: Reading): Policy['expiresAfterMs'] {
  if (value === undefined) return {};
  if (!isObject(value)) {
    reading.complain('expiresAfter', 'an object of durations by level');
    return {};
  }
  const entries = Object.entries(value).map(([key, duration]): [LevelKey, number] => {
    const path = `expiresAfter[${JSON.stringify(key)}]`;
    if (key !== '*') readLevelKey(key, path, reading);
    return [key, readDuration(duration, path, reading)];
  });
  return Object.fromEntries(entries);
}

function readDuration(value: unknown, path: string, reading: Reading): number {
  const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
  if (ms === undefined) reading.complain(path, 'an ISO 8601 duration above zero, such as `P365D`');
  return ms ?? 0;
}

function readLevelKey(value: string, path: string, { providerIds, complain }: Reading): LevelKey {
  const known = providerIds.some(
    (id) => value.startsWith(`${id}/`) && value.length > id.length + 1,
  );
  if (!known)
    complain(path, `a level \`provider/name\`, the provider one of ${providerIds.join(', ')}`);
  return value;
}

/** A misspelt key would silently leave a rule out. */
function assertKeys(value: object, path: string, keys: readonly string[], reading: Reading): void {
  const known = Object.keys(value).every((key) => keys.includes(key));
  if (!known) reading.complain(path, `an object with no keys but ${keys.join(', ')}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
