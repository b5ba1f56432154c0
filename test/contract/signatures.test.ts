/** Worked signatures: the vendors' own, and wrong ones that have to be refused. */

import { SignatureError } from '../../src/domain/errors';
import { loadSignatureVectors, type SignatureVector } from './cases';
import { toWebhookRequest } from './receive';
import { createProvider } from './subjects';

const vectors = loadSignatureVectors();
const valid = vectors.filter((vector) => vector.valid);
const invalid = vectors.filter((vector) => !vector.valid);

it.each(valid)('accepts $id: $note', (vector) => {
  expect(verification(vector)).not.toThrow();
});

it.each(invalid)('refuses $id: $note', (vector) => {
  expect(verification(vector)).toThrow(SignatureError);
});

it('has vectors of both kinds for every vendor that documents a proof', () => {
  for (const provider of ['fractal-id', 'sumsub', 'p100']) {
    const kinds = new Set(vectors.filter((v) => v.provider === provider).map((v) => v.valid));
    expect(kinds).toEqual(new Set([true, false]));
  }
  expect(vectors).toHaveLength(25);
});

function verification({ provider: id, scheme, secret, ...vector }: SignatureVector): () => unknown {
  const provider = createProvider(id, [secret], {
    fractalIdFormat: scheme === 'fractal-kraken' ? 'kraken' : 'classic',
    sumsubDigest: 'sha1', // the weakest that is still in the list; what is stricter has tests of its own
  });
  const request = toWebhookRequest({
    path: `/webhooks/${id}`,
    headers: { [vector.header]: vector.value, ...vector.headers },
    body: Buffer.from(vector.body),
  });
  return () => provider.verify(request);
}
