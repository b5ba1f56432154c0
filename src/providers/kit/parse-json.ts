/**
 * JSON parser without loss of precision and with limits. `JSON.parse` rounds an ID beyond 2^53 to the ID of another user and keeps
 * the last of two equal keys. Existing parsers without these faults have no limits, and a body of 1 MiB must not block the event
 * loop.
 */

import { isDeepStrictEqual } from 'node:util';
import { PayloadError } from '../../domain/errors';

export type JsonValue = string | boolean | null | JsonNumber | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** A number with its original digits. */
export class JsonNumber {
  constructor(readonly digits: string) {}
}

/** Limits. Messages of providers have fewer than ten levels and some hundred values. */
export const MAX_DEPTH = 64;
export const MAX_VALUES = 10_000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** Parses JSON. @throws {PayloadError} If the text is not JSON, gives a key two values, or exceeds `MAX_DEPTH` or `MAX_VALUES`. */
export function parseJson(text: string): JsonValue {
  let at = 0;
  let values = 0;

  function skipSpace(): void {
    while (isSpace(text.charCodeAt(at))) at += 1;
  }

  /** Consumes the character if it is next. */
  function take(character: string): boolean {
    skipSpace();
    if (text[at] !== character) return false;
    at += 1;
    return true;
  }

  function expect(character: string): void {
    if (!take(character)) throw invalidJson();
  }

  function readString(): string {
    const start = at;
    do {
      at = text.indexOf('"', at + 1);
      if (at < 0) throw invalidJson();
    } while (isEscaped(text, at));
    at += 1;
    return copyLiteral(text.slice(start, at));
  }

  function readNumber(): JsonNumber {
    NUMBER.lastIndex = at;
    const [digits] = NUMBER.exec(text) ?? [];
    if (digits === undefined) throw invalidJson();
    at += digits.length;
    return new JsonNumber(copyLiteral(`"${digits}"`));
  }

  function readArray(depth: number): readonly JsonValue[] {
    const items: JsonValue[] = [];
    if (take(']')) return items;
    do items.push(readValue(depth));
    while (take(','));
    expect(']');
    return items;
  }

  function readObject(depth: number): JsonObject {
    const object = new Map<string, JsonValue>();
    if (take('}')) return object;
    do {
      skipSpace();
      if (text[at] !== '"') throw invalidJson();
      const key = readString();
      expect(':');
      const value = readValue(depth);
      if (object.has(key) && !isDeepStrictEqual(object.get(key), value)) {
        throw new PayloadError('body', 'JSON whose objects have no duplicate field names');
      }
      object.set(key, value);
    } while (take(','));
    expect('}');
    return object;
  }

  function readValue(depth: number): JsonValue {
    values += 1;
    if (values > MAX_VALUES) throw new PayloadError('body', `JSON of at most ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw new PayloadError('body', `JSON of at most ${MAX_DEPTH} levels`);
    skipSpace();
    if (text[at] === '"') return readString();
    if (take('{')) return readObject(depth + 1);
    if (take('[')) return readArray(depth + 1);
    for (const [literal, value] of LITERALS) {
      if (!text.startsWith(literal, at)) continue;
      at += literal.length;
      return value;
    }
    return readNumber();
  }

  const root = readValue(0);
  skipSpace();
  if (at < text.length) throw invalidJson();
  return root;
}

/** Parses a string literal to a new string. A slice would keep the whole text in memory while the slice is in use. */
function copyLiteral(literal: string): string {
  try {
    return JSON.parse(literal);
  } catch {
    throw invalidJson(); // without `cause`: messages of the parser quote the text
  }
}

/** Whether an odd number of backslashes precedes the quote. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text[first - 1] === '\\') first -= 1;
  return (quote - first) % 2 === 1;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function invalidJson(): PayloadError {
  return new PayloadError('body', 'JSON');
}
