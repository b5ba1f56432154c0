/** Opaque IDs, page arguments, level keys and timestamps. */

import fc from 'fast-check';
import { levelKey } from '../../../src/domain/level';
import { DateTime } from '../../../src/graphql/relay/date-time.scalar';
import { toLevelKey } from '../../../src/graphql/relay/level-key';
import {
  decodeNodeId,
  encodeNodeId,
  NODE_KINDS,
  parseNodeId,
  plainNodeId,
} from '../../../src/graphql/relay/node-id';
import { omitNullish } from '../../../src/graphql/relay/omit-nullish';
import { toPage } from '../../../src/graphql/relay/page';
import { PROVIDERS } from '../../../src/providers/registry';

describe('an opaque ID', () => {
  it('decodes to its kind and number', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NODE_KINDS), fc.nat(), (kind, key) => {
        expect(decodeNodeId(encodeNodeId(kind, key))).toEqual({ kind, key });
        expect(decodeNodeId(plainNodeId(kind, key))).toEqual({ kind, key });
      }),
    );
  });

  it('has exactly one opaque and one plain spelling', () => {
    const near = fc
      .tuple(fc.constantFrom(...NODE_KINDS, 'Nobody', ''), fc.string())
      .map(([kind, rest]) => `${kind}:${rest}`)
      .chain((plain) => fc.constantFrom(plain, Buffer.from(plain).toString('base64url')));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        const decoded = decodeNodeId(text);
        const { kind, key } = decoded ?? { kind: 'User', key: 0 };
        const spellings = [encodeNodeId(kind, key), plainNodeId(kind, key)];
        expect(decoded === null || spellings.includes(text)).toBe(true);
      }),
    );
  });

  it.each([
    'User:',
    'User:-1',
    'User:1.5',
    'User:01',
    'User:1:2',
    'user:1',
    'User:9999999999999999',
  ])('rejects %s', (inside) => {
    expect(decodeNodeId(Buffer.from(inside).toString('base64url'))).toBeNull();
    expect(decodeNodeId(inside)).toBeNull();
  });

  it('of another kind is rejected as an argument', () => {
    expect(parseNodeId('User', encodeNodeId('User', 7), '`id`')).toBe(7);
    expect(() => parseNodeId('User', encodeNodeId('Identity', 7), '`id`')).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID' }),
    );
  });
});

describe('a page', () => {
  it('has 20 entries by default, and rejects both sizes together', () => {
    expect(toPage({})).toEqual({ first: 20 });
    expect(toPage({ first: null, last: 3, before: 'c' })).toEqual({ last: 3, before: 'c' });
    expect(toPage({ first: 100, after: 'c' })).toEqual({ first: 100, after: 'c' });
    expect(() => toPage({ first: 1, last: 1 })).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID' }),
    );
  });

  it('has 1 to 100 entries', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom('first', 'last'), (size, side) => {
        const page = () => toPage({ [side]: size });
        if (size >= 1 && size <= 100) expect(page()).toEqual({ [side]: size });
        else expect(page).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
      }),
    );
  });
});

describe('a level in a filter', () => {
  it.each([
    ['sumsub/basic', undefined, 'sumsub/basic'],
    ['basic', 'sumsub', 'sumsub/basic'],
    ['plus/address', 'p100', 'p100/plus/address'],
    ['p100/x', 'sumsub', 'p100/x'],
    [null, 'sumsub', undefined],
  ])('%j at %j is %j', (level, provider, key) => {
    expect(toLevelKey(level, provider, PROVIDERS)).toBe(key);
  });

  it('may be any key of any provider', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PROVIDERS), fc.string({ minLength: 1 }), ({ id }, name) => {
        const key = levelKey(id, name);
        expect(toLevelKey(key, undefined, PROVIDERS)).toBe(key);
      }),
    );
  });
});

describe('omitNullish', () => {
  it('keeps false, zero and empty values, and omits null and undefined', () => {
    expect(omitNullish({ a: false, b: 0, c: '', d: [], e: null, f: undefined })).toEqual({
      a: false,
      b: 0,
      c: '',
      d: [],
    });
  });
});

describe('DateTime', () => {
  it('is printed in UTC with milliseconds, and parsed with any offset', () => {
    expect(DateTime.serialize(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
    expect(DateTime.parseValue('2024-05-01T12:00:00+02:00')).toEqual(
      new Date('2024-05-01T10:00:00Z'),
    );
  });

  it.each(['2024-05-01', '2024-02-30T00:00:00Z', '2024-05-01T12:00:00', 'now', '', 'x'])(
    'rejects %j',
    (text) => {
      expect(() => DateTime.parseValue(text)).toThrow();
    },
  );
});
