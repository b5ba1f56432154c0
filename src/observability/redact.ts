/** Keeps personal data and secrets out of the log, whatever somebody hands to it. */

import { errorRecord, isError } from './error-record';

const REDACTED = '[redacted]';
const DEEPEST = 8;

/** Names whose values never reach a log; compared without case, `-` and `_`. */
const SENSITIVE = new Set([
  'accesstoken',
  'age',
  'apikey',
  'authorization',
  'body',
  'bootstrapapikey',
  'connectionparams',
  'cookie',
  'credential',
  'credentials',
  'datakeys',
  'email',
  'fullname',
  'jwt',
  'key',
  'parameters',
  'password',
  'payload',
  'profile',
  'proxyauthorization',
  'rawbody',
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

/** Names of request targets: the path may end in a vendor's secret, the query may hold a whole GraphQL request. */
const TARGETS = new Set(['url', 'path', 'originalurl']);

/** A copy of `record` that may be logged. */
export function redact(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(entriesOf(record, 0));
}

/** Hides what follows the provider in a webhook's path, and the query. */
export function redactTarget(target: string): string {
  return target.replace(/\?.*$/s, '?…').replace(/(\/webhooks\/[^/?]+)\/.+$/s, '$1/…');
}

function entriesOf(record: object, depth: number): [string, unknown][] {
  return Object.entries(record).map(([name, value]) => [name, loggableValue(name, value, depth)]);
}

function loggableValue(name: string, value: unknown, depth: number): unknown {
  const plainName = name.toLowerCase().replace(/[-_]/g, '');
  if (value === undefined || value === null) return value;
  if (SENSITIVE.has(plainName)) return REDACTED;
  if (typeof value === 'string') return TARGETS.has(plainName) ? redactTarget(value) : value;
  return copyOf(value, depth);
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (isError(value)) return errorRecord(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= DEEPEST) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => copyOf(item, depth + 1));
  if (value instanceof Set) return copyOf([...value], depth);
  if (value instanceof Map) return copyOf(Object.fromEntries(value), depth);
  return Object.fromEntries(entriesOf(value, depth + 1));
}
