import { lookUp } from '../../../src/providers/kit/look-up';

describe('lookUp', () => {
  it('finds what the table holds', () => {
    expect(lookUp({ GREEN: 'APPROVED' }, 'GREEN')).toBe('APPROVED');
  });

  it.each(['RED', '', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'finds nothing under %j',
    (word) => {
      expect(lookUp({ GREEN: 'APPROVED' }, word)).toBeUndefined();
    },
  );
});
