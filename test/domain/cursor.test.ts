import fc from 'fast-check';
import { decodeCursor, encodeCursor } from '../../src/domain/cursor';
import { CursorInvalidError } from '../../src/domain/errors';
import { instantOf, toDate } from '../../src/domain/instant';

describe('a cursor', () => {
  it('comes back as the position that it was made of', () => {
    fc.assert(
      fc.property(fc.nat(), (seq) => {
        expect(decodeCursor('log-1', encodeCursor('log-1', seq))).toBe(seq);
      }),
    );
  });

  it('of another log is refused', () => {
    expect(() => decodeCursor('log-2', encodeCursor('log-1', 7))).toThrow(CursorInvalidError);
  });

  it.each([
    '',
    'nonsense',
    Buffer.from('log-1:-1').toString('base64url'),
    Buffer.from('log-1:1:2').toString('base64url'),
    Buffer.from('log-1:1e3').toString('base64url'),
  ])('is refused when it reads %j', (cursor) => {
    expect(() => decodeCursor('log-1', cursor)).toThrow(CursorInvalidError);
  });

  it('is refused whatever else it may be', () => {
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        expect(() => decodeCursor('log-1', cursor)).toThrow(CursorInvalidError);
      }),
    );
  });
});

describe('an instant', () => {
  it('orders as text the way the moments do', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        (a, b) => {
          expect(instantOf(a) < instantOf(b)).toBe(a.getTime() < b.getTime());
          expect(toDate(instantOf(a))).toEqual(a);
        },
      ),
    );
  });
});
