/** Keeps personal data and secrets out of the log, whatever somebody hands to it. */

import { isError, serializeError } from './serialize-error';

const REDACTED = '[redacted]';
const DEEPEST = 8;

/** Of secrets, and of what holds them or whole messages. */
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

/** Names of request targets: the path may end in a vendor's secret, the query may hold a whole GraphQL request. */
const TARGETS = new Set(['url', 'path', 'originalurl']);

/** @returns a copy of `record` that may be logged. */
export type Redact = (record: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/**
 * Names are compared without case, `-` and `_`.
 *
 * @param personal - Names whose values are personal data: the schema knows them, by its marks.
 */
export function createRedact(personal: Iterable<string>): Redact {
  const hidden = new Set([...SECRETS, ...[...personal].map(plain)]);
  return (record) => Object.fromEntries(entriesOf(record, hidden, 0));
}

/** Hides what follows the provider in a webhook's path, and the query. */
function redactTarget(target: string): string {
  return target.replace(/\?.*$/s, '?…').replace(/(\/webhooks\/[^/?]+)\/.+$/s, '$1/…');
}

type Hidden = ReadonlySet<string>;

function entriesOf(record: object, hidden: Hidden, depth: number): [string, unknown][] {
  return Object.entries(record).map(([name, value]) => [
    name,
    loggableValue(name, value, hidden, depth),
  ]);
}

function loggableValue(name: string, value: unknown, hidden: Hidden, depth: number): unknown {
  const plainName = plain(name);
  if (value === undefined || value === null) return value;
  if (hidden.has(plainName)) return REDACTED;
  if (typeof value === 'string') return TARGETS.has(plainName) ? redactTarget(value) : value;
  return copyOf(value, hidden, depth);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

function copyOf(value: unknown, hidden: Hidden, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (isError(value)) return serializeError(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= DEEPEST) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => copyOf(item, hidden, depth + 1));
  if (value instanceof Set) return copyOf([...value], hidden, depth);
  if (value instanceof Map) return copyOf(Object.fromEntries(value), hidden, depth);
  return Object.fromEntries(entriesOf(value, hidden, depth + 1));
}
