/** Stands in for text that may be personal where only sameness matters, as in a duplicate key. */

import { createHash } from 'node:crypto';

/**
 * SHA-256 of the parts, as hex. No two different lists of parts share one, wherever one part ends and the next begins.
 *
 * Put the user's id before a value that can be guessed (an e-mail address), so that a table of hashes is of no use.
 */
export function fingerprint(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}
