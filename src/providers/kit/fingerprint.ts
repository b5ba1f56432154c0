/** Digest that replaces possibly personal text where only equality matters, as in a duplicate key. */

import { createHash } from 'node:crypto';

/**
 * Returns the SHA-256 digest of the parts, as hex. Each part is hashed with its length, so that `['ab', 'c']` and `['a', 'bc']`
 * differ.
 *
 * Pass the user's ID before a value that can be guessed, such as an email address. Precomputed digests are then useless.
 */
export function fingerprint(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}
