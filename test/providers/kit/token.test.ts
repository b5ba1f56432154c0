import { SignatureError } from '../../../src/domain/errors';
import { assertToken } from '../../../src/providers/kit/token';

const verify =
  (candidates: (string | undefined)[], ...secrets: string[]) =>
  () =>
    assertToken(
      candidates,
      secrets.map((secret) => ({ secret })),
      'The token is required.',
    );

describe('assertToken', () => {
  it('accepts any secret among the candidates', () => {
    expect(verify(['one'], 'one')).not.toThrow();
    expect(verify([undefined, 'wrong', 'two'], 'one', 'two')).not.toThrow();
  });

  it.each([
    ['no candidates', []],
    ['absent headers', [undefined, undefined]],
    ['an empty one', ['']],
    ['a shorter one', ['on']],
    ['a longer one', ['one ']],
    ['another case', ['One']],
  ])('rejects %s', (_what, candidates) => {
    expect(verify(candidates, 'one')).toThrow(SignatureError);
  });

  it('rejects everything without a secret', () => {
    expect(verify(['', 'one'])).toThrow(SignatureError);
  });

  it('ignores an empty secret', () => {
    expect(verify([''], '')).toThrow(SignatureError);
  });

  it('throws the message without the candidate', () => {
    expect(verify(['shown'], 'one')).toThrow('The token is required.');
  });
});
