import { createHmac } from 'node:crypto';
import type { WebhookRequest } from '../../src/domain/delivery';
import { SignatureError } from '../../src/domain/errors';
import { createProviders } from '../../src/providers/registry';

const SECRET = 'secret-0123456789';
const BODY = Buffer.from('{"type":"verification_approved"}');
const hex = (hash: string, secret = SECRET) => createHmac(hash, secret).update(BODY).digest('hex');

const providers = createProviders({
  webhookSecrets: {
    sumsub: [{ secret: SECRET }],
    'fractal-id': [{ secret: SECRET, type: 'email_changed' }],
    paycaddy: [{ secret: SECRET }],
    p100: [{ secret: SECRET }],
  },
  fractalIdFormat: 'classic',
  sumsubMinimumDigest: 'sha256',
});

function catchReason(provider: string, headers: WebhookRequest['headers'], subpath = ''): unknown {
  try {
    return providers.get(provider)?.verify({ headers, rawBody: BODY, subpath });
  } catch (error) {
    return error instanceof SignatureError ? error.reason : error;
  }
}

const DIGEST = 'x-payload-digest';
const ALGORITHM = 'x-payload-digest-alg';
const FRACTAL = 'x-fractal-signature';

// Regression: the reason was discarded, so a weak algorithm looked like a missing signature.
it.each<[string, string, WebhookRequest['headers'], string]>([
  ['sumsub', 'no header', {}, 'SIGNATURE_MISSING'],
  ['sumsub', 'an empty header', { [DIGEST]: '' }, 'SIGNATURE_MISSING'],
  ['sumsub', 'no hex digits', { [DIGEST]: 'undefined' }, 'SIGNATURE_MALFORMED'],
  ['sumsub', 'too few digits', { [DIGEST]: hex('sha1') }, 'SIGNATURE_MALFORMED'],
  [
    'sumsub',
    'a weak algorithm',
    { [DIGEST]: hex('sha1'), [ALGORITHM]: 'HMAC_SHA1_HEX' },
    'ALGORITHM_NOT_ALLOWED',
  ],
  [
    'sumsub',
    'an unknown algorithm',
    { [DIGEST]: hex('md5'), [ALGORITHM]: 'HMAC_MD5_HEX' },
    'ALGORITHM_NOT_ALLOWED',
  ],
  ['sumsub', 'another secret', { [DIGEST]: hex('sha256', 'other') }, 'NO_MATCHING_SECRET'],
  ['fractal-id', 'the other format', { [FRACTAL]: hex('sha256') }, 'SIGNATURE_MALFORMED'],
  [
    'fractal-id',
    'another secret',
    { [FRACTAL]: `sha1=${hex('sha1', 'other')}` },
    'NO_MATCHING_SECRET',
  ],
  [
    'fractal-id',
    'the secret of another type',
    { [FRACTAL]: `sha1=${hex('sha1')}` },
    'SECRET_TYPE_MISMATCH',
  ],
  ['paycaddy', 'no token', {}, 'TOKEN_MISSING'],
  ['paycaddy', 'another token', { 'x-api-key': 'other' }, 'TOKEN_WRONG'],
  ['p100', 'no token', {}, 'TOKEN_MISSING'],
  ['p100', 'another token', { authorization: 'Bearer other' }, 'TOKEN_WRONG'],
])('%s reports the reason for %s', (provider, _, headers, reason) => {
  expect(catchReason(provider, headers)).toBe(reason);
});
