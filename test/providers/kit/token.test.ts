import { SignatureError } from '../../../src/domain/errors';
import { assertToken } from '../../../src/providers/kit/token';

const prove =
  (candidates: (string | undefined)[], ...secrets: string[]) =>
  () =>
    assertToken(
      candidates,
      secrets.map((secret) => ({ secret })),
      'expected a token of ours',
    );

describe('assertToken', () => {
  it('accepts any of the secrets in any of the places', () => {
    expect(prove(['one'], 'one')).not.toThrow();
    expect(prove([undefined, 'wrong', 'two'], 'one', 'two')).not.toThrow();
  });

  it.each([
    ['nothing shown', []],
    ['absent headers', [undefined, undefined]],
    ['an empty one', ['']],
    ['a shorter one', ['on']],
    ['a longer one', ['one ']],
    ['another case', ['One']],
  ])('refuses %s', (_what, candidates) => {
    expect(prove(candidates, 'one')).toThrow(SignatureError);
  });

  it('refuses everything when there is no secret', () => {
    expect(prove(['', 'one'])).toThrow(SignatureError);
  });

  it('takes an empty secret for none', () => {
    expect(prove([''], '')).toThrow(SignatureError);
  });

  it('says what was expected and not what was shown', () => {
    expect(prove(['shown'], 'one')).toThrow('expected a token of ours');
  });
});
