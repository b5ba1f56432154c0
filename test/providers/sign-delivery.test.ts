/** Compares `signDelivery` with the independent implementation of the tests. */

import fc from 'fast-check';
import { UnknownProviderError } from '../../src/domain/errors';

import { PROVIDER_IDS, signDelivery } from '../../src/providers/registry';
import { PROVIDER_NAMES } from '../contract/cases';
import { createProvider } from '../contract/provider-specs';
import { toWebhookRequest } from '../contract/receive';
import { type ProviderName, type SigningOptions, signedRequest } from '../support/sign';

type Variant = Omit<SigningOptions, 'secret'>;

const VARIANTS: readonly (readonly [ProviderName, Variant])[] = [
  ['fractal-id', {}],
  ['fractal-id', { fractalIdFormat: 'classic' }],
  ['fractal-id', { fractalIdFormat: 'kraken' }],
  ['sumsub', {}],
  ['sumsub', { sumsubDigest: 'sha1' }],
  ['sumsub', { sumsubDigest: 'sha256' }],
  ['sumsub', { sumsubDigest: 'sha512' }],
  ['paycaddy', {}],
  ['p100', {}],
];

const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const secrets = fc.string({ minLength: 1 });

describe('signDelivery', () => {
  it.each(VARIANTS)('signs like %s with %j', (id, variant) => {
    fc.assert(
      fc.property(bytes, secrets, (body, secret) => {
        const ours = signDelivery(id, body, secret, variant);
        const theirs = signedRequest(id, body, { ...variant, secret });
        const { 'content-type': _type, ...headers } = toLowerCaseNames(theirs.headers);

        expect(toLowerCaseNames(ours.headers)).toEqual(headers);
        expect(toPath(id, ours.subpath)).toBe(theirs.path);
      }),
    );
  });

  it.each(VARIANTS)('is accepted by the adapter of %s with %j', (id, variant) => {
    const body = Buffer.from('{"any":"thing"}');
    const secret = 'a/secret?with odd#characters%2F';
    const { subpath, headers } = signDelivery(id, body, secret, variant);
    const provider = createProvider(id, [secret], variant);
    const request = toWebhookRequest({ path: toPath(id, subpath), headers, body });

    expect(() => provider.verify(request)).not.toThrow();
  });

  it('supports every provider of the registry', () => {
    for (const id of PROVIDER_IDS) {
      expect(() => signDelivery(id, Buffer.from('{}'), 'secret')).not.toThrow();
    }
    expect([...PROVIDER_IDS].sort()).toEqual([...PROVIDER_NAMES].sort());
  });

  it('rejects an unknown provider', () => {
    expect(() => signDelivery('unknown', Buffer.from('{}'), 'secret')).toThrow(
      UnknownProviderError,
    );
  });
});

function toPath(id: ProviderName, subpath: string): string {
  return subpath === '' ? `/webhooks/${id}` : `/webhooks/${id}/${subpath}`;
}

function toLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
