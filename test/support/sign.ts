/**
 * Signed requests as the providers send them. Implemented from the providers' documentation with `node:crypto` only and without the
 * code under test, so that an error in one is detected by the other.
 */

import { createHmac } from 'node:crypto';

export type ProviderName = 'fractal-id' | 'sumsub' | 'paycaddy' | 'p100';

export interface SigningOptions {
  readonly secret: string;
  /** @defaultValue classic */
  readonly fractalIdFormat?: 'classic' | 'kraken';
  /** @defaultValue sha256 */
  readonly sumsubDigest?: 'sha1' | 'sha256' | 'sha512';
  /** @defaultValue path */
  readonly paycaddySecretIn?: 'path' | 'header';
}

export interface SignedRequest {
  /** Path of the URL, percent-encoded, for example `/webhooks/sumsub`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer<ArrayBuffer>;
}

/** Signs a request. @param body - Bytes and text are sent unchanged, anything else as JSON. */
export function signedRequest(
  provider: ProviderName,
  body: Buffer | string | object,
  options: SigningOptions,
): SignedRequest {
  const bytes = toBytes(body);
  const { suffix, headers } = SIGNERS[provider](bytes, options);
  return {
    path: `/webhooks/${provider}${suffix}`,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: bytes,
  };
}

interface Authentication {
  readonly suffix: string;
  readonly headers: Readonly<Record<string, string>>;
}

const SIGNERS: Readonly<
  Record<ProviderName, (body: Buffer, options: SigningOptions) => Authentication>
> = {
  'fractal-id': (body, { secret, fractalIdFormat }) => ({
    suffix: '',
    headers: {
      'X-Fractal-Signature':
        fractalIdFormat === 'kraken'
          ? createHmac('sha256', secret).update(body).digest('hex')
          : `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
    },
  }),
  sumsub: (body, { secret, sumsubDigest = 'sha256' }) => ({
    suffix: '',
    headers: {
      'x-payload-digest': createHmac(sumsubDigest, secret).update(body).digest('hex'),
      'x-payload-digest-alg': SUMSUB_ALGORITHMS[sumsubDigest],
    },
  }),
  paycaddy: (_body, { secret, paycaddySecretIn }) =>
    paycaddySecretIn === 'header'
      ? { suffix: '', headers: { 'X-Api-Key': secret } }
      : { suffix: `/${encodeURIComponent(secret)}`, headers: {} },
  p100: (_body, { secret }) => ({
    suffix: '/webhook/kyc-verification/status',
    headers: { Authorization: secret },
  }),
};

const SUMSUB_ALGORITHMS = {
  sha1: 'HMAC_SHA1_HEX',
  sha256: 'HMAC_SHA256_HEX',
  sha512: 'HMAC_SHA512_HEX',
} as const;

function toBytes(body: Buffer | string | object): Buffer<ArrayBuffer> {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
}
