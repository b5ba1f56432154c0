/** Removes personal data and secrets from log records. */

import { isError, serializeError } from './serialize-error';

const REDACTED = '[redacted]';
const MAX_DEPTH = 8;

/** Names of fields that contain secrets or whole messages. */
const SECRETS = new Set([
  'accesstoken',
  'apikey',
  'authorization',
  'body',
  'bootstrapapikey',
  'connectionparams',
  'cookie',
  'credential',
  'credentials',
  'datakeys',
  'jwt',
  'key',
  'parameters',
  'password',
  'payload',
  'proxyauthorization',
  'refreshtoken',
  'secret',
  'secrets',
  'setcookie',
  'signature',
  'subpath',
  'token',
  'tokens',
  'variables',
  'webhooksecrets',
  'xapikey',
  'xfractalsignature',
  'xpayloaddigest',
]);

/** Names of request targets. The path may end in a provider's secret, and the query may contain a GraphQL request. */
const TARGETS = new Set(['url', 'path', 'originalurl']);

/** Returns a copy of `record` that is safe to log. */
export type Redact = (record: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/**
 * Creates a redact function. Compares names without case, `-` and `_`.
 *
 * @param personal - Names of fields that the schema marks as personal.
 */
export function createRedact(personal: Iterable<string>): Redact {
  const hidden = new Set([...SECRETS, ...[...personal].map(normalize)]);
  return (record) => Object.fromEntries(toEntries(record, hidden, 0));
}

/** Removes the query, and the path after the provider of a webhook. */
function redactTarget(target: string): string {
  return target.replace(/\?.*$/s, '?…').replace(/(\/webhooks\/[^/?]+)\/.+$/s, '$1/…');
}

type Hidden = ReadonlySet<string>;

function toEntries(record: object, hidden: Hidden, depth: number): [string, unknown][] {
  return Object.entries(record).map(([name, value]) => [
    name,
    toLoggable(name, value, hidden, depth),
  ]);
}

function toLoggable(name: string, value: unknown, hidden: Hidden, depth: number): unknown {
  const plainName = normalize(name);
  if (value === undefined || value === null) return value;
  if (hidden.has(plainName)) return REDACTED;
  if (typeof value === 'string') return TARGETS.has(plainName) ? redactTarget(value) : value;
  return redactValue(value, hidden, depth);
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

function redactValue(value: unknown, hidden: Hidden, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (isError(value)) return serializeError(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, hidden, depth + 1));
  if (value instanceof Set) return redactValue([...value], hidden, depth);
  if (value instanceof Map) return redactValue(Object.fromEntries(value), hidden, depth);
  return Object.fromEntries(toEntries(value, hidden, depth + 1));
}
