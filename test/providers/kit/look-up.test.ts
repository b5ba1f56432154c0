import { lookUp } from '../../../src/providers/kit/json';

describe('lookUp', () => {
  it('returns the value of a key', () => {
    expect(lookUp({ GREEN: 'APPROVED' }, 'GREEN')).toBe('APPROVED');
  });

  it.each(['RED', '', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'returns undefined for %j',
    (word) => {
      expect(lookUp({ GREEN: 'APPROVED' }, word)).toBeUndefined();
    },
  );
});
