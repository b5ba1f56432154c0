import fc from 'fast-check';
import {
  JsonNumber,
  type JsonValue,
  MAX_DEPTH,
  MAX_VALUES,
  parseJson,
} from '../../../src/providers/kit/parse-json';

/** Converts to the result of `JSON.parse`. */
function toPlainValue(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.digits);
  if (Array.isArray(value)) return value.map(toPlainValue);
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = {};
  for (const [name, inner] of value) {
    Object.defineProperty(object, name, { value: toPlainValue(inner), enumerable: true });
  }
  return object;
}

const isAccepted = (parse: (text: string) => unknown, text: string): boolean => {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('JSON text', () => {
  it('has the value of JSON.parse with any whitespace', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 5 }),
        fc.constantFrom('', ' ', '\t', '\r\n  '),
        (text, space) => {
          const spaced = JSON.stringify(JSON.parse(text), null, space);
          expect(toPlainValue(parseJson(spaced))).toEqual(JSON.parse(spaced));
        },
      ),
    );
  });

  it('is accepted exactly if JSON.parse accepts it', () => {
    const token = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '"',
        '\\',
        '\\"',
        '0',
        '01',
        '-',
        '-1',
        '1.',
        '.5',
        '1e',
        '1E+2',
      ],
      ...[
        'true',
        'nul',
        'null',
        'false',
        ' ',
        '\n',
        '\u00a0',
        '\u0000',
        '"\t"',
        '"\\u12"',
        '"\\ud800"',
        '"\\x"',
      ],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
        const text = tokens.join('');
        expect([text, isAccepted(parseJson, text)]).toEqual([text, isAccepted(JSON.parse, text)]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('keeps every digit of numbers', () => {
    const text = '[12345678901234567890, 1.0, 1e400, -0, 0.1000]';
    expect(parseJson(text)).toEqual(
      ['12345678901234567890', '1.0', '1e400', '-0', '0.1000'].map(
        (digits) => new JsonNumber(digits),
      ),
    );
  });

  it('can repeat a key with an equal value', () => {
    expect(parseJson('{"a":[1,{"b":2}],"a":[1,{"b":2}]}')).toEqual(parseJson('{"a":[1,{"b":2}]}'));
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":1,"a":1.0}',
      '{"a":{},"\\u0061":[]}',
      '{"__proto__":1,"__proto__":2}',
    ]) {
      expect(() => parseJson(text)).toThrow('duplicate field names');
    }
  });

  it('can reach the limits of depth and size', () => {
    expect(isAccepted(parseJson, '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH))).toBe(true);
    expect(isAccepted(parseJson, '['.repeat(MAX_DEPTH + 2) + ']'.repeat(MAX_DEPTH + 2))).toBe(
      false,
    );
    expect(isAccepted(parseJson, `[${'0,'.repeat(MAX_VALUES - 2)}0]`)).toBe(true);
    expect(isAccepted(parseJson, `[${'0,'.repeat(MAX_VALUES - 1)}0]`)).toBe(false);
  });
});

const SIZE = 1024 * 1024;
const fill = (unit: string) => unit.repeat(Math.floor(SIZE / unit.length));

// Regression: bodies of 1 MiB were parsed without limits and blocked the event loop for 0.5 s and more.
it.each([
  ['levels', fill('[')],
  ['levels in objects', fill('{"a":')],
  ['deep lists', `[${fill(`${'['.repeat(60)}${']'.repeat(60)},`)}0]`],
  ['empty lists', `[${fill('[],')}0]`],
  ['numbers', `[${fill('1.0,')}0]`],
  ['keys', `{${Array.from({ length: 90_000 }, (_, index) => `"${index}":1`).join()}}`],
  ['equal keys', `{${fill('"a":[1,1,1],')}"a":[1,1,1]}`],
])('rejects one mebibyte of %s', (_, text) => {
  expect(() => parseJson(text)).toThrow(/at most \d+ (levels|values)/);
});

it.each([
  ['one string', `"${fill('x')}"`],
  ['escapes', `"${fill('\\u0041')}"`],
  ['escaped quotes', `"${fill('\\"')}"`],
  ['backslashes', `"${fill('\\\\')}"`],
  ['digits', fill('9')],
  ['spaces', `${fill(' ')}1${fill('\n')}`],
])('accepts one mebibyte of %s as one value', (_, text) => {
  expect(toPlainValue(parseJson(text))).toEqual(JSON.parse(text));
});
