import fc from 'fast-check';
import { isLongerThan, truncate } from '../../src/domain/text';

const anyText = fc.string({ unit: 'binary', maxLength: 30 });

describe('isLongerThan', () => {
  it('counts characters, not UTF-16 units', () => {
    expect(isLongerThan('😀😀', 2)).toBe(false);
    expect(isLongerThan('😀😀😀', 2)).toBe(true);
    expect(isLongerThan('abc', 2)).toBe(true);
  });

  it('matches the number of characters', () => {
    fc.assert(
      fc.property(anyText, fc.nat(30), (text, max) =>
        expect(isLongerThan(text, max)).toBe([...text].length > max),
      ),
    );
  });
});

describe('truncate', () => {
  it('marks the text and keeps to the limit', () => {
    expect(truncate('abcdef', 4)).toBe('abc…');
    expect(truncate('😀😀😀😀', 3)).toBe('😀😀…');
  });

  it('returns a text within the limit unchanged', () => {
    fc.assert(
      fc.property(anyText, (text) => expect(truncate(text, [...text].length || 1)).toBe(text)),
    );
  });

  it('never splits a character', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 29 }), (text, max) => {
        const characters = [...text];
        fc.pre(characters.length > max);
        expect([...truncate(text, max)]).toEqual([...characters.slice(0, max - 1), '…']);
      }),
    );
  });
});
