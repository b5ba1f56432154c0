import fc from 'fast-check';
import { assertContinues, decodeCursor, encodeCursor } from '../../src/domain/cursor';
import { CursorExpiredError, CursorInvalidError } from '../../src/domain/errors';
import { toDate, toInstantText } from '../../src/domain/instant';

describe('a cursor', () => {
  it('decodes to the position that was encoded', () => {
    fc.assert(
      fc.property(
        fc.record({
          seq: fc.nat(),
          nonce: fc.option(fc.maxSafeNat().map((nonce) => nonce % 2 ** 48)),
        }),
        (position) => {
          expect(decodeCursor('log-1', encodeCursor('log-1', position))).toEqual(position);
        },
      ),
    );
  });

  it('of an older release decodes to a position without a nonce', () => {
    const cursor = Buffer.from('log-1:7').toString('base64url');
    expect(decodeCursor('log-1', cursor)).toEqual({ seq: 7, nonce: null });
  });

  it('of another log is rejected', () => {
    expect(() => decodeCursor('log-2', encodeCursor('log-1', { seq: 7, nonce: 1 }))).toThrow(
      CursorInvalidError,
    );
  });

  it.each([
    '',
    'nonsense',
    Buffer.from('log-1:-1').toString('base64url'),
    Buffer.from('log-1:1:2:3').toString('base64url'),
    Buffer.from('log-1:1:').toString('base64url'),
    Buffer.from('log-1:1:A').toString('base64url'),
    Buffer.from('log-1:1:-1').toString('base64url'),
    Buffer.from('log-1:1e3').toString('base64url'),
  ])('%j is rejected', (cursor) => {
    expect(() => decodeCursor('log-1', cursor)).toThrow(CursorInvalidError);
  });

  it('is rejected if it is any other text', () => {
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        expect(() => decodeCursor('log-1', cursor)).toThrow(CursorInvalidError);
      }),
    );
  });
});

describe('assertContinues', () => {
  const head = { seq: 9, nonce: 90 };
  const floor = { seq: 3, nonce: 30 };

  it('accepts a position whose entry the log contains', () => {
    const state = { head, floor, nonce: 70 };
    expect(() => assertContinues('log', { seq: 7, nonce: 70 }, state)).not.toThrow();
    expect(() => assertContinues('log', { seq: 7, nonce: null }, state)).not.toThrow();
    expect(() =>
      assertContinues('log', { seq: 3, nonce: 30 }, { ...state, nonce: 30 }),
    ).not.toThrow();
  });

  it('rejects an entry that the log never contained', () => {
    const state = { head, floor, nonce: 70 };
    expect(() => assertContinues('log', { seq: 7, nonce: 71 }, state)).toThrow(CursorInvalidError);
    expect(() =>
      assertContinues('log', { seq: 10, nonce: 1 }, { head, floor, nonce: null }),
    ).toThrow(CursorInvalidError);
  });

  it('reports a position before the oldest entry as expired, with the cursor to continue after', () => {
    let failure: unknown;
    try {
      assertContinues('log', { seq: 2, nonce: 20 }, { head, floor, nonce: null });
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(CursorExpiredError);
    expect(failure).toMatchObject({ oldestCursor: encodeCursor('log', floor) });
  });
});

describe('an instant', () => {
  it('sorts as text in the order of time', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        (a, b) => {
          expect(toInstantText(a) < toInstantText(b)).toBe(a.getTime() < b.getTime());
          expect(toDate(toInstantText(a))).toEqual(a);
        },
      ),
    );
  });
});
