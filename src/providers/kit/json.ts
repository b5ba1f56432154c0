/** Access to a JSON body by path. Errors name the path. */

import { isUtf8 } from 'node:buffer';
import { PayloadError } from '../../domain/errors';
import type { Instant } from '../../domain/instant';
import { isLongerThan, isWellFormedText, MAX_NAME_LENGTH } from '../../domain/text';
import { type InstantFormat, toInstant } from './instant';
import { JsonNumber, type JsonObject, type JsonValue, parseJson } from './parse-json';

/**
 * A JSON body. Paths are dotted, for example `data.user_id`. A field is absent if it is missing, `null` or the empty string:
 * clients in Go and Java write the empty string for a missing value.
 *
 * Every method throws a {@link PayloadError} that names the path, never the value.
 */
export interface JsonBody {
  has(path: string): boolean;
  /** Free text, which may be empty. */
  string(path: string): string;
  optionalString(path: string): string | undefined;
  /** Like `optionalString`, and returns a number as its digits. For fields that only people read. */
  optionalText(path: string): string | undefined;
  /** A name that the provider or its customer chose, such as a type, a status or a level. */
  name(path: string): string;
  optionalName(path: string): string | undefined;
  /** A string, or an integer of any size without rounding. */
  id(path: string): string;
  optionalId(path: string): string | undefined;
  /** A boolean, or the string `true` or `false` in any letter case. */
  optionalFlag(path: string): boolean | undefined;
  /** Whether the value is `false` or the string `false`. For fields whose other values are undocumented. */
  isFalse(path: string): boolean;
  instant(path: string, format?: InstantFormat): Instant;
  /** An array of strings without empty ones. Empty if the field is absent. */
  strings(path: string): readonly string[];
}

/** Parses a body. @throws {PayloadError} Unless it is UTF-8 and one JSON object without conflicting duplicate keys. */
export function readJson(rawBody: Buffer): JsonBody {
  const root = parseObject(decode(rawBody));

  const at = (path: string): JsonValue =>
    path
      .split('.')
      .reduce<JsonValue>((value, key) => (isObject(value) ? (value.get(key) ?? null) : null), root);

  const has = (path: string) => at(path) !== null && at(path) !== '';

  const optional =
    <Value>(read: (path: string) => Value) =>
    (path: string): Value | undefined =>
      has(path) ? read(path) : undefined;

  const string = (path: string) => toText(path, at(path));
  const name = (path: string) => toName(path, at(path), 'a name');
  const id = (path: string) => {
    const value = at(path);
    return toName(path, isInteger(value) ? value.digits : value, 'an ID');
  };

  return {
    has,
    string,
    optionalString: optional(string),
    optionalText: optional((path) => {
      const value = at(path);
      return toText(path, value instanceof JsonNumber ? value.digits : value);
    }),
    name,
    optionalName: optional(name),
    id,
    optionalId: optional(id),
    optionalFlag: optional((path) => toFlag(path, at(path))),
    isFalse: (path) => at(path) === false || isText(at(path), 'false'),
    instant: (path, format) => {
      const instant = toInstant(string(path), format);
      if (instant === undefined) throw new PayloadError(path, 'a timestamp with a time zone');
      return instant;
    },
    strings: (path) => optional(() => toTexts(path, at(path)))(path) ?? [],
  };
}

/** Calls `read`. Returns undefined if it throws a {@link PayloadError}. */
export function tryRead<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PayloadError) return undefined;
    throw error;
  }
}

/** Rejects invalid UTF-8: replacement characters would make different IDs equal. */
function decode(rawBody: Buffer): string {
  if (!isUtf8(rawBody)) throw new PayloadError('body', 'UTF-8 text');
  return UTF8.decode(rawBody); // skips a byte order mark
}

const UTF8 = new TextDecoder();

function parseObject(text: string): JsonObject {
  const root = parseJson(text);
  if (!isObject(root)) throw new PayloadError('body', 'a JSON object');
  return root;
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

function isInteger(value: JsonValue): value is JsonNumber {
  return value instanceof JsonNumber && /^-?\d+$/.test(value.digits);
}

function toText(path: string, value: unknown): string {
  if (typeof value !== 'string') throw new PayloadError(path, 'a string');
  if (!isWellFormedText(value)) throw new PayloadError(path, 'well-formed Unicode without NUL');
  return value;
}

function toName(path: string, value: unknown, expected: string): string {
  const isValid =
    typeof value === 'string' &&
    value.trim() !== '' &&
    !isLongerThan(value, MAX_NAME_LENGTH) &&
    !/\p{Cc}|\p{Surrogate}/u.test(value);
  if (!isValid) {
    throw new PayloadError(path, `${expected} of at most ${MAX_NAME_LENGTH} printable characters`);
  }
  return value;
}

function toTexts(path: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new PayloadError(path, 'an array of strings');
  return value
    .map((item: unknown, index) => toText(`${path}.${index}`, item))
    .filter((item) => item !== '');
}

function toFlag(path: string, value: unknown): boolean {
  // Sumsub sends "false", and `Boolean("false")` is true.
  if (value === true || isText(value, 'true')) return true;
  if (value === false || isText(value, 'false')) return false;
  throw new PayloadError(path, 'true or false');
}

function isText(value: unknown, text: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === text;
}

/** Safe lookup in a table by an untrusted key. */

/** Returns the own property `key`. Undefined for inherited names such as `constructor` or `__proto__`. */
export function lookUp<Value>(
  table: Readonly<Record<string, Value>>,
  key: string,
): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
