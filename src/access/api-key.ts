/** API keys: `kyc_<prefix>_<secret>`. The prefix names a key in lists and logs; only a hash of the whole is stored. */

import { createHash, randomBytes } from 'node:crypto';

export interface NewApiKey {
  /** The key itself: shown to its owner once, kept by nobody else. */
  readonly key: string;
  /** Eight characters, `a`–`z` and `2`–`7`; public. */
  readonly prefix: string;
  readonly hash: string;
}

const PREFIX_BYTES = 5;
const SECRET_BYTES = 32;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const FORMAT = /^kyc_([a-z2-7]{8})_[A-Za-z0-9_-]{43}$/;

export function generateApiKey(): NewApiKey {
  return apiKeyOf(randomBytes(PREFIX_BYTES), randomBytes(SECRET_BYTES));
}

/** The key made of these bytes: five for the prefix, 32 for the secret. */
export function apiKeyOf(prefixBytes: Buffer, secretBytes: Buffer): NewApiKey {
  const prefix = base32(prefixBytes);
  const key = `kyc_${prefix}_${secretBytes.toString('base64url')}`;
  return { key, prefix, hash: hashApiKey(key) };
}

/**
 * SHA-256 in hex. A fast hash is right here: the key holds 256 random bits, so there is nothing to guess, and looking a
 * key up by its hash leaks nothing through timing.
 */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The public prefix of a well-formed key; `undefined` if `text` is none. */
export function parseApiKey(text: string): { readonly prefix: string } | undefined {
  const prefix = FORMAT.exec(text)?.[1];
  return prefix === undefined ? undefined : { prefix };
}

function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => ALPHABET.charAt(Number.parseInt(five, 2)))
    .join('');
}
