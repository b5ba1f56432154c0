/** API keys: `kyc_<prefix>_<secret>`. The prefix identifies a key in lists and logs. Only a hash of the whole key is stored. */

import { createHash, randomBytes } from 'node:crypto';

export interface NewApiKey {
  /** The key. Shown once, never stored. */
  readonly key: string;
  /** Public prefix: eight characters, `a`–`z` and `2`–`7`. */
  readonly prefix: string;
  readonly hash: string;
}

const PREFIX_BYTES = 5;
const SECRET_BYTES = 32;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const FORMAT = /^kyc_([a-z2-7]{8})_[A-Za-z0-9_-]{43}$/;

/** Creates a random key. */
export function generateApiKey(): NewApiKey {
  return createApiKey(randomBytes(PREFIX_BYTES), randomBytes(SECRET_BYTES));
}

/** Creates a key from 5 bytes for the prefix and 32 bytes for the secret. */
export function createApiKey(prefixBytes: Buffer, secretBytes: Buffer): NewApiKey {
  const prefix = encodeBase32(prefixBytes);
  const key = `kyc_${prefix}_${secretBytes.toString('base64url')}`;
  return { key, prefix, hash: hashApiKey(key) };
}

/**
 * Returns the SHA-256 hash in hex. A fast hash is sufficient: a key has 256 random bits, so it cannot be guessed, and a lookup
 * by hash reveals nothing through timing.
 */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Returns the prefix of a well-formed key, or undefined if `text` is not one. */
export function parseApiKey(text: string): { readonly prefix: string } | undefined {
  const prefix = FORMAT.exec(text)?.[1];
  return prefix === undefined ? undefined : { prefix };
}

function encodeBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => ALPHABET.charAt(Number.parseInt(five, 2)))
    .join('');
}
