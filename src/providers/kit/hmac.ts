/** Proof by signature: a keyed digest of the body, in a header. */

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { WebhookRequest } from '../../domain/delivery';
import { SignatureError } from '../../domain/errors';
import type { NonEmpty, WebhookSecret } from '../provider';

/** Weakest first. */
export const HMAC_HASHES = ['sha1', 'sha256', 'sha512'] as const;
export type HmacHash = (typeof HMAC_HASHES)[number];

const BYTES: Readonly<Record<HmacHash, number>> = { sha1: 20, sha256: 32, sha512: 64 };

export interface HmacRule {
  readonly hash: HmacHash;
  /** In lower case. */
  readonly header: string;
  /** What has to stand before the hex digits, e.g. `sha1=`; absent: nothing may. */
  readonly prefix?: string;
  /** Each is valid. The key is the secret's UTF-8 text, even where it looks like hex. */
  readonly secrets: readonly WebhookSecret[];
}

/**
 * Compares over the bytes as received, in a time that tells nothing of the digest or of which secret it was.
 *
 * @returns The secrets that made this signature: more than one where the same text is configured twice.
 * @throws {SignatureError} if none did, the header is missing or is not a digest, or there is no secret at all.
 */
export function assertHmac(request: WebhookRequest, rule: HmacRule): NonEmpty<WebhookSecret> {
  const expected = `expected ${rule.header} to hold a signature of the body`;
  const shown = request.headers[rule.header] ?? '';
  if (shown === '') throw new SignatureError('SIGNATURE_MISSING', expected);
  const received = readDigest(shown, rule.prefix ?? '');
  if (received?.length !== BYTES[rule.hash]) {
    throw new SignatureError('SIGNATURE_MALFORMED', expected);
  }

  const [first, ...rest] = rule.secrets.filter(({ secret }) => {
    const digest = hmac(rule.hash, secret, request.rawBody);
    return secret !== '' && timingSafeEqual(digest, received);
  });
  if (!first) throw new SignatureError('NO_MATCHING_SECRET', `${expected} by one of our secrets`);
  return [first, ...rest];
}

/** The digest as bytes. */
export function hmac(hash: HmacHash, secret: string, body: Buffer): Buffer {
  return createHmac(hash, secret).update(body).digest();
}

function readDigest(value: string, prefix: string): Buffer | undefined {
  if (!value.startsWith(prefix)) return undefined;
  const digits = value.slice(prefix.length);
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}
