/** Verification of static tokens, for providers that sign nothing. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { SignatureError } from '../../domain/errors';
import type { WebhookSecret } from '../provider';

/**
 * Verifies that a candidate equals a secret. Compares hashes, so that the duration reveals neither content nor length of a
 * secret.
 *
 * @param candidates - Received values, for example from several headers or parts of the path. Undefined values are ignored.
 * @param message - Message of the error. It names the place of the token.
 * @throws {SignatureError} If no candidate equals a secret.
 */
export function assertToken(
  candidates: readonly (string | undefined)[],
  secrets: readonly WebhookSecret[],
  message: string,
): void {
  const received = candidates.filter((candidate) => candidate !== undefined);
  const hashes = secrets.flatMap(({ secret }) => (secret === '' ? [] : [sha256(secret)]));
  // Compares every pair: a return at the first match would reveal which secret matched.
  const matches = received
    .map((candidate) => sha256(candidate))
    .flatMap((candidate) => hashes.filter((hash) => timingSafeEqual(hash, candidate)));
  if (matches.length > 0) return;
  const missing = received.every((candidate) => candidate === '');
  throw new SignatureError(missing ? 'TOKEN_MISSING' : 'TOKEN_WRONG', message);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
