import { createHmac } from 'node:crypto';
import { SignatureError } from '../../../src/domain/errors';
import { assertHmac, HMAC_HASHES, type HmacRule } from '../../../src/providers/kit/hmac';

const body = Buffer.from('{"a": 1}');
const digest = (secret: string, hash = 'sha256') =>
  createHmac(hash, secret).update(body).digest('hex');

const rule = (...secrets: string[]): HmacRule => ({
  hash: 'sha256',
  header: 'x-digest',
  secrets: secrets.map((secret) => ({ secret })),
});

const verify = (value: string | undefined, by: HmacRule) =>
  assertHmac({ headers: { 'x-digest': value }, rawBody: body, subpath: '' }, by);

describe('assertHmac', () => {
  it.each(HMAC_HASHES)('accepts a signature by %s', (hash) => {
    const [proof] = verify(digest('one', hash), { ...rule('one'), hash });

    expect(proof.secret).toBe('one');
  });

  it('returns the matching secret at any position', () => {
    const secrets = ['one', 'two', 'three'];

    for (const secret of secrets) {
      expect(verify(digest(secret), rule(...secrets))).toEqual([{ secret }]);
    }
  });

  it('returns every entry with the matching secret', () => {
    const secrets = [{ secret: 'one', type: 'a' }, { secret: 'two' }, { secret: 'one', type: 'b' }];

    expect(verify(digest('one'), { ...rule(), secrets })).toEqual([secrets[0], secrets[2]]);
  });

  it('accepts digits in either letter case', () => {
    expect(() => verify(digest('one').toUpperCase(), rule('one'))).not.toThrow();
  });

  it('uses a secret that looks like hex as text', () => {
    const secret = '9d7e80c0f169ab94d34392d64617b7517fb07c40';

    expect(() => verify(digest(secret), rule(secret))).not.toThrow();
  });

  it.each([
    ['a missing header', undefined],
    ['an empty header', ''],
    ['a missing digit', digest('one').slice(1)],
    ['a missing byte', digest('one').slice(2)],
    ['an extra byte', `${digest('one')}00`],
    ['a digest by another hash', digest('one', 'sha512')],
    ['text that is not hex', 'zz-not-hex'],
    ['hex with other characters at the end', `${digest('one').slice(0, -2)}zz`],
    ['surrounding spaces', ` ${digest('one')} `],
    ['a header that was sent twice', `${digest('one')}, ${digest('one')}`],
    ['a trailing line break', `${digest('one')}\n`],
    ['an unexpected prefix', `sha256=${digest('one')}`],
  ])('rejects %s with a signature error', (_what, value) => {
    expect(() => verify(value, rule('one'))).toThrow(SignatureError);
  });

  it('requires the prefix in the exact letter case', () => {
    const prefixed = { ...rule('one'), prefix: 'v1=' };

    expect(() => verify(`v1=${digest('one')}`, prefixed)).not.toThrow();
    expect(() => verify(digest('one'), prefixed)).toThrow(SignatureError);
    expect(() => verify(`V1=${digest('one')}`, prefixed)).toThrow(SignatureError);
    expect(() => verify('v1=', prefixed)).toThrow(SignatureError);
  });

  it('rejects everything without a secret', () => {
    expect(() => verify(digest(''), rule())).toThrow(SignatureError);
  });

  it('ignores an empty secret', () => {
    expect(() => verify(digest(''), rule(''))).toThrow(SignatureError);
  });
});
