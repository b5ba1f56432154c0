/** Reads a vendor's JSON by path, and says which path is at fault. */

import { isUtf8 } from 'node:buffer';
import { PayloadError } from '../../domain/errors';
import type { Instant } from '../../domain/instant';
import { isLongerThan, isWellFormedText, MAX_NAME_LENGTH } from '../../domain/text';
import { type InstantFormat, toInstant } from './instant';
import { JsonNumber, type JsonObject, type JsonValue, parseJson } from './parse-json';

/**
 * The body of a message. Paths are dotted, `data.user_id`. A field is absent if it is missing, `null` or the empty string,
 * which clients in Go and Java write for a value that they do not have.
 * Every method throws a {@link PayloadError} that names the path, never the value.
 */
export interface JsonBody {
  has(path: string): boolean;
  /** Free text, perhaps empty. */
  string(path: string): string;
  optionalString(path: string): string | undefined;
  /** As `optionalString`; a number is given as its digits. For fields that only people read. */
  optionalText(path: string): string | undefined;
  /** A name of the vendor's or of its customer's choosing: a type, a status, a level. */
  word(path: string): string;
  optionalWord(path: string): string | undefined;
  /** A string or an integer of any size, whose digits are not rounded. */
  id(path: string): string;
  optionalId(path: string): string | undefined;
  /** `true`, `false`, or one of these words as a string, in any letter case. */
  optionalFlag(path: string): boolean | undefined;
  /** Whether the value is `false` or that word, for fields whose other values are not documented. */
  isFalse(path: string): boolean;
  instant(path: string, spelling?: InstantFormat): Instant;
  /** Empty where the field is absent. Empty strings among them are left out. */
  strings(path: string): readonly string[];
}

/** @throws {PayloadError} unless the body is UTF-8 and one JSON object that gives no key two meanings. */
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
  const word = (path: string) => toName(path, at(path), 'a word');
  const id = (path: string) => {
    const value = at(path);
    return toName(path, isInteger(value) ? value.digits : value, 'an id');
  };

  return {
    has,
    string,
    optionalString: optional(string),
    optionalText: optional((path) => {
      const value = at(path);
      return toText(path, value instanceof JsonNumber ? value.digits : value);
    }),
    word,
    optionalWord: optional(word),
    id,
    optionalId: optional(id),
    optionalFlag: optional((path) => toFlag(path, at(path))),
    isFalse: (path) => at(path) === false || isWord(at(path), 'false'),
    instant: (path, spelling) => {
      const instant = toInstant(string(path), spelling);
      if (instant === undefined) throw new PayloadError(path, 'a date and time with a known zone');
      return instant;
    },
    strings: (path) => optional(() => toTexts(path, at(path)))(path) ?? [],
  };
}

/** Returns `undefined` if the value cannot be read. */
export function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PayloadError) return undefined;
    throw error;
  }
}

/** Decoding alone would put a replacement character where the bytes make no sense, and so make two ids one. */
function decode(rawBody: Buffer): string {
  if (!isUtf8(rawBody)) throw new PayloadError('body', 'text in UTF-8');
  return UTF8.decode(rawBody); // leaves out a byte order mark
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
  if (!isWellFormedText(value)) throw new PayloadError(path, 'sound Unicode without NUL');
  return value;
}

function toName(path: string, value: unknown, what: string): string {
  const sound =
    typeof value === 'string' &&
    value.trim() !== '' &&
    !isLongerThan(value, MAX_NAME_LENGTH) &&
    !/\p{Cc}|\p{Surrogate}/u.test(value);
  if (!sound) {
    throw new PayloadError(path, `${what} of at most ${MAX_NAME_LENGTH} printable characters`);
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
  if (value === true || isWord(value, 'true')) return true;
  if (value === false || isWord(value, 'false')) return false;
  throw new PayloadError(path, 'true or false');
}

function isWord(value: unknown, word: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === word;
}
