import { createProviders, PROVIDER_IDS, PROVIDERS } from '../../src/providers/registry';

const settings = { fractalIdFormat: 'classic', sumsubMinimumDigest: 'sha256' } as const;

describe('registry', () => {
  it('lists every provider with its names', () => {
    expect(
      PROVIDERS.map(({ id, enumName, credentialsVariable }) => [id, enumName, credentialsVariable]),
    ).toEqual([
      ['fractal-id', 'FRACTAL_ID', 'FRACTAL_ID_PRIVATE_KEY'],
      ['sumsub', 'SUMSUB', 'SUMSUB_APP_TOKEN'],
      ['paycaddy', 'PAYCADDY', 'PAYCADDY_API_KEY'],
      ['p100', 'P100', 'P100_API_KEY'],
    ]);
    expect(PROVIDER_IDS).toEqual(PROVIDERS.map(({ id }) => id));
  });

  it.each(PROVIDERS)('has valid names for $id', (provider) => {
    expect(provider.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(provider.enumName).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect(provider.displayName).toMatch(/^[A-Z]/);
  });

  it('creates the adapters of providers that have a secret', () => {
    const webhookSecrets = { sumsub: [{ secret: 's' }], p100: [{ secret: 'p' }] };
    const providers = createProviders({ ...settings, webhookSecrets });

    expect([...providers].map(([key, { id }]) => [key, id])).toEqual([
      ['sumsub', 'sumsub'],
      ['p100', 'p100'],
    ]);
  });

  it.each([
    ['no secrets', {}],
    ['an empty list', { sumsub: [] }],
    ['an empty secret', { sumsub: [{ secret: '' }] }],
    ['secrets of an unknown provider', { unknown: [{ secret: 's' }] }],
  ])('creates no adapter with %s', (_what, webhookSecrets) => {
    expect(createProviders({ ...settings, webhookSecrets }).size).toBe(0);
  });

  it('passes the format and the minimum digest to the adapters', () => {
    const body = Buffer.from('{}');
    const secrets = {
      webhookSecrets: { 'fractal-id': [{ secret: 's' }], sumsub: [{ secret: 's' }] },
    };
    const outcomes = (
      [
        ['classic', 'sha1'],
        ['kraken', 'sha512'],
      ] as const
    ).map(([fractalIdFormat, sumsubMinimumDigest]) => {
      const providers = createProviders({ ...secrets, fractalIdFormat, sumsubMinimumDigest });
      return PROVIDERS.filter(({ id }) => providers.has(id)).map(({ id, sign }) => {
        const { headers } = sign(body, 's', { fractalIdFormat: 'classic', sumsubDigest: 'sha256' });
        const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
        const request = { headers: Object.fromEntries(lower), rawBody: body, subpath: '' };
        try {
          return providers.get(id)?.verify(request).trust;
        } catch {
          return 'rejected';
        }
      });
    });

    expect(outcomes).toEqual([
      ['SIGNED', 'SIGNED'],
      ['rejected', 'rejected'],
    ]);
  });
});
