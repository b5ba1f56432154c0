/** Verification of HMAC signatures in a header. */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { WebhookRequest } from '../../domain/delivery';
import { SignatureError } from '../../domain/errors';
import type { NonEmpty, WebhookSecret } from '../provider';

/** Supported hash algorithms, weakest first. */
export const HMAC_HASHES = ['sha1', 'sha256', 'sha512'] as const;
export type HmacHash = (typeof HMAC_HASHES)[number];

const BYTES: Readonly<Record<HmacHash, number>> = { sha1: 20, sha256: 32, sha512: 64 };

export interface HmacRule {
  readonly hash: HmacHash;
  /** Header name, in lower case. */
  readonly header: string;
  /** Required text before the hex digits, for example `sha1=`. If absent, no prefix is allowed. */
  readonly prefix?: string;
  /** Valid secrets. The HMAC key is the UTF-8 text of a secret, even if it looks like hex. */
  readonly secrets: readonly WebhookSecret[];
}

/**
 * Verifies the signature over the bytes as received. Compares in constant time with every secret.
 *
 * @returns The matching secrets. More than one matches if the same secret is configured twice.
 * @throws {SignatureError} If no secret matches, or the header is missing or malformed.
 */
export function assertHmac(request: WebhookRequest, rule: HmacRule): NonEmpty<WebhookSecret> {
  const message = `\`${rule.header}\` must contain a signature of the body.`;
  const header = request.headers[rule.header] ?? '';
  if (header === '') throw new SignatureError('SIGNATURE_MISSING', message);
  const received = parseDigest(header, rule.prefix ?? '');
  if (received?.length !== BYTES[rule.hash]) {
    throw new SignatureError('SIGNATURE_MALFORMED', message);
  }

  const [first, ...rest] = rule.secrets.filter(({ secret }) => {
    const digest = hmac(rule.hash, secret, request.rawBody);
    return secret !== '' && timingSafeEqual(digest, received);
  });
  if (!first)
    throw new SignatureError(
      'NO_MATCHING_SECRET',
      `\`${rule.header}\` must be a signature of the body with a configured secret.`,
    );
  return [first, ...rest];
}

/** Returns the digest as bytes. */
export function hmac(hash: HmacHash, secret: string, body: Buffer): Buffer {
  return createHmac(hash, secret).update(body).digest();
}

function parseDigest(value: string, prefix: string): Buffer | undefined {
  if (!value.startsWith(prefix)) return undefined;
  const digits = value.slice(prefix.length);
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

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
