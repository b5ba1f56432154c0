/** Proof by a static token, where the vendor signs nothing. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { SignatureError } from '../../domain/errors';
import type { WebhookSecret } from '../provider';

/**
 * Compares hashes of both sides, so that neither content nor length of a secret shows in the time it takes.
 *
 * @param candidates - All that was shown: what several headers or parts of the path hold. What is absent proves nothing.
 * @param expected - Where the token belongs, for the message.
 * @throws {SignatureError} unless some candidate is one of the secrets.
 */
export function assertToken(
  candidates: readonly (string | undefined)[],
  secrets: readonly WebhookSecret[],
  expected: string,
): void {
  const shown = candidates.filter((candidate) => candidate !== undefined);
  const hashes = secrets.flatMap(({ secret }) => (secret === '' ? [] : [sha256(secret)]));
  // Every pair is compared: leaving at the first match would tell which secret it was.
  const matches = shown
    .map((candidate) => sha256(candidate))
    .flatMap((candidate) => hashes.filter((hash) => timingSafeEqual(hash, candidate)));
  if (matches.length > 0) return;
  const missing = shown.every((candidate) => candidate === '');
  throw new SignatureError(missing ? 'TOKEN_MISSING' : 'TOKEN_WRONG', expected);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
