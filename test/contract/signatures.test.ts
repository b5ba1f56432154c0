/** Tests the signature vectors: published valid signatures, and invalid ones. */

import { SignatureError } from '../../src/domain/errors';
import { loadSignatureVectors, type SignatureVector } from './cases';
import { createProvider } from './provider-specs';
import { toWebhookRequest } from './receive';

const vectors = loadSignatureVectors();
const valid = vectors.filter((vector) => vector.valid);
const invalid = vectors.filter((vector) => !vector.valid);

it.each(valid)('accepts $id: $note', (vector) => {
  expect(verification(vector)).not.toThrow();
});

it.each(invalid)('rejects $id: $note', (vector) => {
  expect(verification(vector)).toThrow(SignatureError);
});

it('has valid and invalid vectors for every provider that documents its authentication', () => {
  for (const provider of ['fractal-id', 'sumsub', 'p100']) {
    const kinds = new Set(vectors.filter((v) => v.provider === provider).map((v) => v.valid));
    expect(kinds).toEqual(new Set([true, false]));
  }
  expect(vectors).toHaveLength(25);
});

function verification({ provider: id, scheme, secret, ...vector }: SignatureVector): () => unknown {
  const provider = createProvider(id, [secret], {
    fractalIdFormat: scheme === 'fractal-kraken' ? 'kraken' : 'classic',
    sumsubDigest: 'sha1', // the weakest supported algorithm; stricter minimums are tested in sumsub.test.ts
  });
  const request = toWebhookRequest({
    path: `/webhooks/${id}`,
    headers: { [vector.header]: vector.value, ...vector.headers },
    body: Buffer.from(vector.body),
  });
  return () => provider.verify(request);
}
