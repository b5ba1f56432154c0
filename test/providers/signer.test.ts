/** Our own signing against the independent one of the tests. */

import fc from 'fast-check';
import { UnknownProviderError } from '../../src/domain/errors';
import { PROVIDER_IDS } from '../../src/providers/registry';
import { signDelivery } from '../../src/providers/signer';
import { VENDORS } from '../contract/cases';
import { toWebhookRequest } from '../contract/receive';
import { createProvider } from '../contract/subjects';
import { type Proof, signedRequest, type VendorId } from '../support/sign';

type Variant = Omit<Proof, 'secret'>;

const VARIANTS: readonly (readonly [VendorId, Variant])[] = [
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
  it.each(VARIANTS)('does as %s does, %j', (id, variant) => {
    fc.assert(
      fc.property(bytes, secrets, (body, secret) => {
        const ours = signDelivery(id, body, secret, variant);
        const theirs = signedRequest(id, body, { ...variant, secret });
        const { 'content-type': _type, ...headers } = lowerCased(theirs.headers);

        expect(lowerCased(ours.headers)).toEqual(headers);
        expect(pathOf(id, ours.subpath)).toBe(theirs.path);
      }),
    );
  });

  it.each(VARIANTS)('makes what the adapter of %s accepts, %j', (id, variant) => {
    const body = Buffer.from('{"any":"thing"}');
    const secret = 'a/secret?with odd#characters%2F';
    const { subpath, headers } = signDelivery(id, body, secret, variant);
    const provider = createProvider(id, [secret], variant);
    const request = toWebhookRequest({ path: pathOf(id, subpath), headers, body });

    expect(() => provider.verify(request)).not.toThrow();
  });

  it('knows every vendor of the registry, as do the tests', () => {
    for (const id of PROVIDER_IDS) {
      expect(() => signDelivery(id, Buffer.from('{}'), 'secret')).not.toThrow();
    }
    expect([...PROVIDER_IDS].sort()).toEqual([...VENDORS].sort());
  });

  it('signs for nobody else', () => {
    expect(() => signDelivery('nobody', Buffer.from('{}'), 'secret')).toThrow(UnknownProviderError);
  });
});

function pathOf(id: VendorId, subpath: string): string {
  return subpath === '' ? `/webhooks/${id}` : `/webhooks/${id}/${subpath}`;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
