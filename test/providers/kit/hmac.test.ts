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

const prove = (value: string | undefined, by: HmacRule) =>
  assertHmac({ headers: { 'x-digest': value }, rawBody: body, subpath: '' }, by);

describe('assertHmac', () => {
  it.each(HMAC_HASHES)('accepts a signature by %s', (hash) => {
    const [proof] = prove(digest('one', hash), { ...rule('one'), hash });

    expect(proof.secret).toBe('one');
  });

  it('tells which of several secrets it was, wherever in the list', () => {
    const secrets = ['one', 'two', 'three'];

    for (const secret of secrets) {
      expect(prove(digest(secret), rule(...secrets))).toEqual([{ secret }]);
    }
  });

  it('tells every entry that a secret was configured under', () => {
    const secrets = [{ secret: 'one', type: 'a' }, { secret: 'two' }, { secret: 'one', type: 'b' }];

    expect(prove(digest('one'), { ...rule(), secrets })).toEqual([secrets[0], secrets[2]]);
  });

  it('takes the digits in either case', () => {
    expect(() => prove(digest('one').toUpperCase(), rule('one'))).not.toThrow();
  });

  it('uses a secret that looks like hex as the text that it is', () => {
    const secret = '9d7e80c0f169ab94d34392d64617b7517fb07c40';

    expect(() => prove(digest(secret), rule(secret))).not.toThrow();
  });

  it.each([
    ['a missing header', undefined],
    ['an empty header', ''],
    ['one digit less', digest('one').slice(1)],
    ['one byte less', digest('one').slice(2)],
    ['one byte more', `${digest('one')}00`],
    ['a digest by another hash', digest('one', 'sha512')],
    ['something that is no hex', 'zz-not-hex'],
    ['hex that ends in something else', `${digest('one').slice(0, -2)}zz`],
    ['spaces around it', ` ${digest('one')} `],
    ['a header that was sent twice', `${digest('one')}, ${digest('one')}`],
    ['a line behind it', `${digest('one')}\n`],
    ['a prefix that nobody asked for', `sha256=${digest('one')}`],
  ])('refuses %s with nothing but a signature error', (_what, value) => {
    expect(() => prove(value, rule('one'))).toThrow(SignatureError);
  });

  it('asks for the prefix where there is one, in the case in which it is written', () => {
    const prefixed = { ...rule('one'), prefix: 'v1=' };

    expect(() => prove(`v1=${digest('one')}`, prefixed)).not.toThrow();
    expect(() => prove(digest('one'), prefixed)).toThrow(SignatureError);
    expect(() => prove(`V1=${digest('one')}`, prefixed)).toThrow(SignatureError);
    expect(() => prove('v1=', prefixed)).toThrow(SignatureError);
  });

  it('refuses everything when there is no secret', () => {
    expect(() => prove(digest(''), rule())).toThrow(SignatureError);
  });

  it('takes an empty secret for none: anybody could sign with it', () => {
    expect(() => prove(digest(''), rule(''))).toThrow(SignatureError);
  });
});
