/**
 * Parses JSON without loss and within limits. `JSON.parse` rounds an id beyond 2^53 to that of another user and lets the last
 * of two equal keys win; no parser that keeps both apart bounds its work. A body of 1 MiB must not hold the event loop.
 */

import { isDeepStrictEqual } from 'node:util';
import { PayloadError } from '../../domain/errors';

export type JsonValue = string | boolean | null | JsonNumber | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** A number as it was written. */
export class JsonNumber {
  constructor(readonly digits: string) {}
}

/** Vendors' messages have fewer than ten levels and some hundred values. */
export const MAX_DEPTH = 64;
export const MAX_VALUES = 10_000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** @throws {PayloadError} If the text is not JSON, gives a key two values, or exceeds `MAX_DEPTH` or `MAX_VALUES`. */
export function parseJson(text: string): JsonValue {
  let at = 0;
  let values = 0;

  function skipSpace(): void {
    while (isSpace(text.charCodeAt(at))) at += 1;
  }

  /** Reads the character if it is next. */
  function take(character: string): boolean {
    skipSpace();
    if (text[at] !== character) return false;
    at += 1;
    return true;
  }

  function expect(character: string): void {
    if (!take(character)) throw notJson();
  }

  function readString(): string {
    const start = at;
    do {
      at = text.indexOf('"', at + 1);
      if (at < 0) throw notJson();
    } while (isEscaped(text, at));
    at += 1;
    return copyOf(text.slice(start, at));
  }

  function readNumber(): JsonNumber {
    NUMBER.lastIndex = at;
    const [digits] = NUMBER.exec(text) ?? [];
    if (digits === undefined) throw notJson();
    at += digits.length;
    return new JsonNumber(copyOf(`"${digits}"`));
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
      if (text[at] !== '"') throw notJson();
      const key = readString();
      expect(':');
      const value = readValue(depth);
      if (object.has(key) && !isDeepStrictEqual(object.get(key), value)) {
        throw new PayloadError('body', 'JSON without repeated keys');
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
    for (const [word, value] of LITERALS) {
      if (!text.startsWith(word, at)) continue;
      at += word.length;
      return value;
    }
    return readNumber();
  }

  const root = readValue(0);
  skipSpace();
  if (at < text.length) throw notJson();
  return root;
}

/** A string literal's content. A slice of the text would keep all of the text in memory for as long as the slice is in use. */
function copyOf(literal: string): string {
  try {
    return JSON.parse(literal);
  } catch {
    throw notJson(); // without the cause: the parser's messages quote what it found
  }
}

/** Whether an odd number of backslashes precedes. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text[first - 1] === '\\') first -= 1;
  return (quote - first) % 2 === 1;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function notJson(): PayloadError {
  return new PayloadError('body', 'JSON');
}
