import fc from 'fast-check';
import { PayloadError } from '../../../src/domain/errors';
import { type JsonBody, readJson } from '../../../src/providers/kit/json';

const read = (text: string) => readJson(Buffer.from(text));

function catchPayloadError(act: () => unknown): PayloadError {
  try {
    act();
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

describe('readJson', () => {
  it('reads fields by dotted path', () => {
    const body = read('{"type":"t","data":{"user":{"name":"Zoë"}}}');

    expect(body.string('type')).toBe('t');
    expect(body.string('data.user.name')).toBe('Zoë');
  });

  it('skips a byte order mark', () => {
    expect(read('\ufeff{"type":"t"}').string('type')).toBe('t');
  });

  it.each([
    ['', 'an empty text'],
    ['{', 'an incomplete object'],
    ["{'a':1}", 'single quotes'],
    ['{"a":1,}', 'a trailing comma'],
    ['{"a":01}', 'a leading zero'],
    ['{"a":NaN}', 'an invalid number'],
    ['{"a":"\n"}', 'an unescaped line break'],
    ['{"a":1} x', 'trailing text'],
    ['[{"a":1}]', 'an array'],
    ['"a"', 'a string'],
    ['1', 'a number'],
    ['null', 'null'],
    ['{"a":1,"a":2}', 'a repeated key'],
    ['{"x":{"a":"b","a":"c"}}', 'a repeated nested key'],
  ])('rejects %j: %s', (text) => {
    expect(catchPayloadError(() => read(text)).path).toBe('body');
  });

  it('rejects invalid UTF-8 instead of replacing it', () => {
    const latin1 = Buffer.from('{"id":"Zo\xeb"}', 'latin1');
    const overlong = Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]);

    expect(catchPayloadError(() => readJson(latin1)).path).toBe('body');
    expect(catchPayloadError(() => readJson(overlong)).path).toBe('body');
  });

  it('rejects deep nesting without a stack overflow', () => {
    const deep = `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;

    expect(catchPayloadError(() => read(deep)).path).toBe('body');
  });

  it('names the path and the expected value, never the actual value', () => {
    const faults = [
      catchPayloadError(() => read('{"passport":"X1234567"}').id('data.user')),
      catchPayloadError(() => read('{"passport":"X1234567"}').instant('passport')),
      catchPayloadError(() => read('{"passport":"X1234567"').id('passport')),
      catchPayloadError(() => read('{"X1234567":1,"X1234567":2}')),
      catchPayloadError(() => read('{"passport": X1234567}')),
    ];

    for (const fault of faults) {
      expect(fault.code).toBe('PAYLOAD_INVALID');
      expect(fault.message).toContain(fault.path);
      expect(fault.message).not.toContain('X1234567');
      expect(fault.cause).toBeUndefined(); // messages of the parser quote the text
    }
  });

  it('ignores inherited properties', () => {
    const body = read('{"a":{}}');

    for (const path of ['constructor', 'a.toString', '__proto__', 'a.__proto__.constructor']) {
      expect(body.has(path)).toBe(false);
      expect(catchPayloadError(() => body.string(path)).path).toBe(path);
    }
  });

  it('reads a field named __proto__ without side effects', () => {
    const body = read('{"__proto__":{"type":"forged"},"a":1}');

    expect(body.has('type')).toBe(false);
    expect(Object.prototype).not.toHaveProperty('type');
  });

  it('finds no fields in strings, arrays and numbers', () => {
    const body = read('{"s":"abc","a":["x"],"n":12}');

    for (const path of ['s.length', 'a.0', 'a.length', 'n.value'])
      expect(body.has(path)).toBe(false);
  });
});

describe('ID', () => {
  const id = (json: string) => read(`{"data":{"id":${json}}}`).id('data.id');

  it.each([
    ['"5cb56e8e"', '5cb56e8e'],
    ['"ID único del usuario"', 'ID único del usuario'],
    ['12672', '12672'],
    ['0', '0'],
    ['-7', '-7'],
    ['9007199254740993', '9007199254740993'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
  ])('converts %s to %s', (json, text) => {
    expect(id(json)).toBe(text);
  });

  it('distinguishes adjacent integers beyond 2^53', () => {
    expect(id('9007199254740993')).not.toBe(id('9007199254740992'));
  });

  it('converts every integer to its digits', () => {
    fc.assert(fc.property(fc.bigInt(), (n) => expect(id(n.toString())).toBe(n.toString())));
  });

  it.each([
    '""',
    '" "',
    'null',
    'true',
    '{}',
    '[]',
    '["a"]',
    '1.5',
    '1.0',
    '1e3',
    '"a\\u0000b"',
    '"a\\nb"',
    '"a\\u0085b"',
    '"\\ud800"',
    '"a\\udc00b"',
    `"${'x'.repeat(513)}"`,
    `"${'é'.repeat(513)}"`,
    `"${'😀'.repeat(513)}"`,
    '9'.repeat(513),
    '{"isLosslessNumber":true,"value":"12"}',
  ])('must not be %s', (json) => {
    expect(catchPayloadError(() => id(json)).path).toBe('data.id');
  });

  it.each(['x', 'é', '漢', '😀'])('can have 512 characters such as %s', (character) => {
    expect(id(`"${character.repeat(512)}"`)).toBe(character.repeat(512));
  });

  it('is absent if it is missing, null or empty and optional', () => {
    const body = read('{"a":null,"b":"","c":"id","d":true}');

    expect(['a', 'b', 'x', 'c'].map((path) => body.optionalId(path))).toEqual([
      undefined,
      undefined,
      undefined,
      'id',
    ]);
    expect(catchPayloadError(() => body.optionalId('d')).path).toBe('d');
  });
});

describe('name', () => {
  it('must be a string', () => {
    const body = read('{"word":"verified","number":1,"blank":"  "}');

    expect(body.name('word')).toBe('verified');
    expect(catchPayloadError(() => body.name('number')).path).toBe('number');
    expect(catchPayloadError(() => body.name('blank')).path).toBe('blank');
    expect(body.optionalName('missing')).toBeUndefined();
    expect(catchPayloadError(() => body.optionalName('blank')).path).toBe('blank');
  });
});

describe('text', () => {
  it('can be empty and have several lines', () => {
    const body = read('{"a":"","b":"one\\ntwo","c":"😀"}');

    expect(body.string('a')).toBe('');
    expect(body.string('b')).toBe('one\ntwo');
    expect(body.string('c')).toBe('😀');
  });

  it.each(['"a\\u0000"', '"\\ud83d"', '"\\ude00x"'])(
    'must not be %s, which databases cannot store',
    (json) => {
      expect(catchPayloadError(() => read(`{"a":${json}}`).string('a')).path).toBe('a');
    },
  );

  it('can be a number if only people read it', () => {
    const body = read('{"age":36,"half":36.50,"flag":true}');

    expect(body.optionalText('age')).toBe('36');
    expect(body.optionalText('half')).toBe('36.50');
    expect(body.optionalText('missing')).toBeUndefined();
    expect(catchPayloadError(() => body.optionalText('flag')).path).toBe('flag');
  });

  it('can be in lists, whose errors have a position', () => {
    const body = read('{"some":["a","","b"],"bad":["a",1],"no":"a","null":null}');

    expect(body.strings('some')).toEqual(['a', 'b']);
    expect(body.strings('missing')).toEqual([]);
    expect(body.strings('null')).toEqual([]);
    expect(catchPayloadError(() => body.strings('bad')).path).toBe('bad.1');
    expect(catchPayloadError(() => body.strings('no')).path).toBe('no');
  });
});

describe('empty string', () => {
  const body = read('{"a":{"b":""}}');

  it('is absent for every optional method', () => {
    expect(body.has('a.b')).toBe(false);
    expect(body.optionalString('a.b')).toBeUndefined();
    expect(body.optionalText('a.b')).toBeUndefined();
    expect(body.optionalName('a.b')).toBeUndefined();
    expect(body.optionalId('a.b')).toBeUndefined();
    expect(body.optionalFlag('a.b')).toBeUndefined();
    expect(body.strings('a.b')).toEqual([]);
  });

  it('is invalid for every other method except `string`', () => {
    expect(body.string('a.b')).toBe('');
    for (const read of [body.name, body.id, body.instant]) {
      expect(catchPayloadError(() => read('a.b')).path).toBe('a.b');
    }
  });
});

describe('flag', () => {
  const flag = (json: string) => read(`{"flag":${json}}`).optionalFlag('flag');

  it.each([
    ['true', true],
    ['"true"', true],
    ['false', false],
    ['"false"', false],
    ['"True"', true],
    ['"TRUE"', true],
    ['"False"', false],
    ['""', undefined],
    ['null', undefined],
  ])('converts %s to %s', (json, value) => {
    expect(flag(json)).toBe(value);
  });

  it.each(['"yes"', '" true"', '"falſe"', '0', '1', '[]', '{}'])('must not be %s', (json) => {
    expect(catchPayloadError(() => flag(json)).path).toBe('flag');
  });
});

describe('any body', () => {
  const methods: readonly ((body: JsonBody, path: string) => unknown)[] = [
    (body, path) => body.string(path),
    (body, path) => body.optionalText(path),
    (body, path) => body.name(path),
    (body, path) => body.id(path),
    (body, path) => body.optionalId(path),
    (body, path) => body.optionalFlag(path),
    (body, path) => body.instant(path),
    (body, path) => body.strings(path),
  ];

  it('is parsed or rejected with a path, never with another error', () => {
    const path = fc.constantFrom('a', 'a.b', 'a.b.c', '__proto__.a', '');
    const object = fc.object({ key: fc.constantFrom('a', 'b', 'c', '__proto__', '') });
    fc.assert(
      fc.property(object, path, fc.constantFrom(...methods), (value, at, method) => {
        const body = read(JSON.stringify(value));
        try {
          method(body, at);
        } catch (error) {
          expect(error).toBeInstanceOf(PayloadError);
          expect(error).toHaveProperty('path', expect.stringMatching(`^${at}`));
        }
      }),
    );
  });

  it('is parsed to the same value with and without spaces', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/);
    const value = fc.oneof(
      digits,
      fc.json(),
      fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
      fc.constantFrom(
        '"\\u0041\\/"',
        '-0',
        '{"b":1,"1":2,"b":1}',
        '{"b":1,"b":2}',
        '{"__proto__":{"b":1}}',
      ),
    );
    const path = fc.constantFrom('a', 'a.b', 'a.__proto__.b');
    fc.assert(
      fc.property(value, path, fc.constantFrom(...methods), (json, at, method) => {
        const said = (text: string) => {
          try {
            return method(read(text), at);
          } catch (error) {
            return error;
          }
        };
        expect(said(`{"a":${json}}`)).toEqual(said(`{ "a": ${json} }`));
      }),
      { numRuns: 2_000 },
    );
  });
});
