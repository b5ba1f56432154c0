/** Format of API keys. */

import { createHash } from 'node:crypto';
import { createApiKey, generateApiKey, hashApiKey, parseApiKey } from '../../src/access/api-key';

it('creates a key from a public prefix and a secret of 32 bytes', () => {
  const { key, prefix, hash } = generateApiKey();
  expect(key).toMatch(/^kyc_[a-z2-7]{8}_[A-Za-z0-9_-]{43}$/);
  expect(parseApiKey(key)).toEqual({ prefix });
  expect(Buffer.from(key.slice(13), 'base64url')).toHaveLength(32);
  expect(hash).toBe(createHash('sha256').update(key).digest('hex'));
});

it('repeats neither the prefix nor the secret', () => {
  const keys = Array.from({ length: 500 }, generateApiKey);
  expect(new Set(keys.map(({ key }) => key.slice(13))).size).toBe(500);
  expect(new Set(keys.map(({ prefix }) => prefix)).size).toBe(500);
});

it('derives the key from the given bytes', () => {
  const made = createApiKey(Buffer.from([0, 0, 0, 0, 255]), Buffer.alloc(32, 255));
  expect(made.prefix).toBe('aaaaaah7');
  expect(made.key).toBe(`kyc_aaaaaah7_${'_'.repeat(42)}8`);
  expect(made.hash).toBe(hashApiKey(made.key));
});

it.each([
  '',
  'kyc_',
  'kyc_aaaaaaaa_short',
  `KYC_aaaaaaaa_${'x'.repeat(43)}`,
  `kyc_aaaaaaa1_${'x'.repeat(43)}`,
  `kyc_aaaaaaaa_${'x'.repeat(44)}`,
  `kyc_aaaaaaaa_${'x'.repeat(43)}\n`,
])('does not parse %j', (text) => {
  expect(parseApiKey(text)).toBeUndefined();
});
