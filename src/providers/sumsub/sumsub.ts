/**
 * Sumsub adapter: webhooks about applicants and about single applicant actions.
 *
 * Signature:           `x-payload-digest: <hex HMAC of the raw body>`. `x-payload-digest-alg` names the algorithm.
 * Delivery guarantees: any order, duplicates possible. Connects within 1 s and expects 2xx within 5 s. Otherwise 4 more attempts:
 *                      within 7 minutes for `applicantActionReviewed`, `…OnHold` and `…Pending`, within a day for other types.
 *
 * @see https://docs.sumsub.com (User verification webhooks; Webhook manager; as of 2025)
 */

import type { WebhookRequest } from '../../domain/delivery';
import { SignatureError, UnknownTypeError } from '../../domain/errors';
import { assertHmac, fingerprint, HMAC_HASHES, type HmacHash, hmac } from '../kit/hmac';
import { lookUp, readJson, tryRead } from '../kit/json';
import type { ErasedIdentity, ProviderFactory, Signer } from '../provider';
import { createSumsubClient, parseStatusResponse, type SumsubApi } from './client';
import { type Notification, toEvents } from './events';
import {
  isSandbox,
  isUntracked,
  readApplicant,
  readEvent,
  readTimestamp,
  timestampField,
} from './webhook';

const DIGEST = 'x-payload-digest';
const ALGORITHM = 'x-payload-digest-alg';

const HASH_BY_ALGORITHM = {
  HMAC_SHA1_HEX: 'sha1',
  HMAC_SHA256_HEX: 'sha256',
  HMAC_SHA512_HEX: 'sha512',
} as const satisfies Record<string, HmacHash>;

export interface SumsubOptions {
  /** Weakest accepted algorithm, so that a sender cannot choose a weaker one. */
  readonly minimumDigest: HmacHash;
  /** If null, the gateway sends no status checks. */
  readonly api?: SumsubApi | null;
  /** Whether erasing an applicant at Sumsub also erases the identity here. */
  readonly erases?: boolean;
}

/**
 * Creates the adapter. The customer names the levels. An action is an attempt at a level of kind ACTION, with Sumsub's action ID
 * as its attempt ID.
 */
export const sumsub: ProviderFactory<SumsubOptions, Notification> = ({
  minimumDigest,
  secrets,
  api = null,
  erases = false,
}) => ({
  id: 'sumsub',
  dated: true,

  verify(request) {
    assertHmac(request, { hash: selectHash(request, minimumDigest), header: DIGEST, secrets });
    return { trust: 'SIGNED', subpath: request.subpath };
  },

  parse({ rawBody }) {
    const body = readJson(rawBody);
    const type = body.name('type');
    const event = readEvent(type, body);
    if (!event) {
      if (!isUntracked(type)) throw new UnknownTypeError(type);
      // An untracked type may have no applicant.
      return { eventType: type, duplicateKey: [type, fingerprint(rawBody)], payload: undefined };
    }
    const applicant = readApplicant(body);
    return {
      eventType: type,
      duplicateKey: [
        type,
        applicant.subjectRef,
        body.optionalId('applicantActionId') ?? '',
        body.string(timestampField(body)),
      ],
      payload: { applicant, event },
    };
  },

  normalize: toEvents,

  ...(erases && { findErasedIdentity: findErasedIdentity }),

  statusCall: {
    supportsActions: true,
    ...(api !== null && { fetchStatus: createSumsubClient(api) }),
    parse: parseStatusResponse,
  },
});

/** Signs like the provider. */
export const signSumsub: Signer = (body, secret, { sumsubDigest = 'sha256' }) => ({
  subpath: '',
  headers: {
    'X-Payload-Digest': hmac(sumsubDigest, secret, body).toString('hex'),
    'X-Payload-Digest-Alg': `HMAC_${sumsubDigest.toUpperCase()}_HEX`,
  },
});

/**
 * Returns the algorithm that the sender names, if it is at least as strong as the minimum. Older senders do not send the header:
 * then the minimum applies.
 *
 * @throws {SignatureError} If the algorithm is unknown or too weak.
 */
function selectHash(request: WebhookRequest, minimum: HmacHash): HmacHash {
  const name = request.headers[ALGORITHM];
  const hash = name === undefined ? minimum : lookUp<HmacHash>(HASH_BY_ALGORITHM, name);
  if (!hash || HMAC_HASHES.indexOf(hash) < HMAC_HASHES.indexOf(minimum)) {
    const message = `\`${ALGORITHM}\` must name an accepted algorithm.`;
    throw new SignatureError('ALGORITHM_NOT_ALLOWED', message);
  }
  return hash;
}

const ERASING_TYPES: ReadonlySet<string> = new Set([
  'applicantDeleted',
  'applicantPersonalDataDeleted',
]);

function findErasedIdentity({
  rawBody,
}: Pick<WebhookRequest, 'rawBody'>): ErasedIdentity | undefined {
  return tryRead(() => {
    const body = readJson(rawBody);
    if (isSandbox(body)) return undefined; // a test must not erase a real user
    if (!ERASING_TYPES.has(body.name('type'))) return undefined;
    const subjectRef = body.id('applicantId');
    const occurredAt = tryRead(() => readTimestamp(body));
    return { subjectRef, ...(occurredAt !== undefined && { occurredAt }) };
  });
}
