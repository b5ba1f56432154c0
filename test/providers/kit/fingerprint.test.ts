import fc from 'fast-check';
import { fingerprint } from '../../../src/providers/kit/hmac';

describe('fingerprint', () => {
  it('is equal for equal parts, as text or bytes', () => {
    expect(fingerprint('a', 'b')).toBe(fingerprint('a', Buffer.from('b')));
  });

  it('differs if the parts are split differently', () => {
    expect(fingerprint('ab', 'c')).not.toBe(fingerprint('a', 'bc'));
    expect(fingerprint('a')).not.toBe(fingerprint('a', ''));
    expect(fingerprint('1:a')).not.toBe(fingerprint('a'));
  });

  it('does not contain its input', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(fingerprint('user', text)).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
});
