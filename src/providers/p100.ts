/**
 * P100 (also published as Fintegence): the lasting state of a user and the outcome of the running attempt.
 *
 * Proof:    a static token in `Authorization`; the body is not signed.
 * Path:     P100 appends its own, `/webhook/kyc-verification/status`, to the base URL. How it joins them is not documented.
 * Delivery: 5 tries within about 2 minutes, then never again; no id of the event or the attempt, no clock, no level.
 *
 * Status call: `GET /v1/kyc/status/{externalUserId}` with `x-api-key`. The body of a 200 is documented nowhere; it is read as the
 * fields of the webhook, and what is not read so is quarantined. Of the documented errors, two say that the user is not verified.
 *
 * @see https://partner-api-docs.p100.io (Webhooks; KYC Verification Status; Get KYC Status; as of 2025)
 */

import type { WebhookHead } from '../domain/delivery';
import { PayloadError, UnknownTypeError, UnmappedStatusError } from '../domain/errors';
import type { Reason, ReasonCode } from '../domain/event';
import { type AttemptStatus, VERIFICATION_STATUSES } from '../domain/status';
import { requestApi } from './kit/api';
import { fingerprint } from './kit/fingerprint';
import { type JsonBody, orUndefined, readJson } from './kit/json';
import { lookUp } from './kit/look-up';
import { assertToken } from './kit/token';
import type { FetchStatus, ProviderFactory, Signer, WebhookSecret } from './provider';

const LEVEL = 'kyc';

const STATUS_SUBPATH = 'webhook/kyc-verification/status';

/** Known types, by path, that say nothing about a verification. */
const UNTRACKED_TYPES: Readonly<Record<string, string>> = {
  'webhook/user/status': 'user/status', // balances are ready
  'webhook/health': 'health',
};

const STATUS_TYPE = 'kyc-verification/status';

const STATUS_BY_WORD = {
  PENDING: 'PENDING',
  VERIFICATION: 'IN_PROGRESS',
  REJECTED_BY_PROVIDER: 'REJECTED',
  SUCCESSFUL: 'APPROVED',
} as const satisfies Record<string, AttemptStatus>;

/** An open set. P100 shows `NO_FACE_FOUND` alone; the others are of the vendor behind it, iDenfy, whose word that is. */
const CODE_BY_REASON = {
  FACE_ERROR: 'CHECK_UNAVAILABLE',
  FACE_NOT_ANALYSED: 'CHECK_UNAVAILABLE',
  FACE_NOT_CHECKED: 'CHECK_UNAVAILABLE',
  FACE_GLARED: 'FACE_MISMATCH',
  FACE_MISMATCH: 'FACE_MISMATCH',
  FACE_TOO_BLURRY: 'FACE_MISMATCH',
  FACE_UNCERTAIN: 'FACE_MISMATCH',
  NO_FACE_FOUND: 'FACE_MISMATCH',
  TOO_MANY_FACES: 'FACE_MISMATCH',
  FACE_BLACKLISTED: 'FRAUD_SUSPECTED',
  FACE_SUSPECTED: 'FRAUD_SUSPECTED',
  FAKE_FACE: 'FRAUD_SUSPECTED',

  BARCODE_NOT_FOUND: 'DOCUMENT_QUALITY',
  COUNTRY_MISMATCH: 'DATA_MISMATCH',
  DOC_DAMAGED: 'DOCUMENT_QUALITY',
  DOC_ERROR: 'DOCUMENT_INVALID',
  DOC_EXPIRED: 'DOCUMENT_EXPIRED',
  DOC_FACE_GLARED: 'DOCUMENT_QUALITY',
  DOC_FACE_NOT_FOUND: 'DOCUMENT_QUALITY',
  DOC_FAKE: 'FRAUD_SUSPECTED',
  DOC_INFO_MISMATCH: 'DATA_MISMATCH',
  DOC_NAME_ERROR: 'DATA_MISMATCH',
  DOC_NOT_FOUND: 'DOCUMENT_INCOMPLETE',
  DOC_NOT_FULLY_VISIBLE: 'DOCUMENT_INCOMPLETE',
  DOC_NOT_SUPPORTED: 'DOCUMENT_INVALID',
  DOC_TOO_BLURRY: 'DOCUMENT_QUALITY',
  DOC_TYPE_MISMATCH: 'DOCUMENT_INVALID',
  MRZ_NOT_FOUND: 'DOCUMENT_QUALITY',
  MRZ_OCR_READING_ERROR: 'DOCUMENT_QUALITY',
} as const satisfies Record<string, ReasonCode>;

interface Notification {
  readonly externalUserId: string;
  readonly verificationStatus: string;
  /** Present only while an attempt is being handled. */
  readonly attemptStatus: string | undefined;
  readonly rejectionReason: string | undefined;
  /** Asked for, so that a missing attempt is one that is not told of, and not one that is over. */
  readonly fromStatusCheck: boolean;
}

export interface P100Options {
  /** `null`: P100 is not asked. */
  readonly api?: P100Api | null;
}

export interface P100Api {
  readonly apiKey: string;
  /** `https://partner-api.p100.io` */
  readonly origin: string;
}

/** One level, `kyc`. The vendor knows the user by our customer's id alone. */
export const p100: ProviderFactory<P100Options, Notification> = ({ secrets, api = null }) => ({
  id: 'p100',
  dated: false,

  verifyHead: (head) => assertShown(head, secrets),

  verify(request) {
    assertShown(request, secrets);
    return { trust: 'TOKEN', subpath: request.subpath };
  },

  parse({ rawBody, subpath }) {
    const eventType = typeOf(subpath, rawBody);
    if (eventType !== STATUS_TYPE) {
      return { eventType, duplicateKey: [eventType, fingerprint(rawBody)], payload: undefined };
    }
    const body = readJson(rawBody);
    const payload = readNotification(body, body.id('externalUserId'), false);
    return { eventType, duplicateKey: [eventType, ...sameness(payload)], payload };
  },

  normalize({
    externalUserId,
    verificationStatus,
    attemptStatus,
    rejectionReason,
    fromStatusCheck: asked,
  }) {
    const levelStatus = VERIFICATION_STATUSES.find((word) => word === verificationStatus);
    if (!levelStatus) throw new UnmappedStatusError('verificationStatus');
    const event = {
      type: 'STATUS',
      subjectRef: externalUserId,
      externalUserId,
      level: LEVEL,
      levelKind: 'LEVEL',
      levelStatus,
    } as const;
    if (attemptStatus === undefined) {
      const { levelStatus: _, ...place } = event;
      return asked && levelStatus === 'NOT_VERIFIED'
        ? [{ ...place, type: 'UNVERIFIED', providerStatus: levelStatus }]
        : [{ ...event, providerStatus: levelStatus }];
    }

    const status = lookUp<AttemptStatus>(STATUS_BY_WORD, attemptStatus);
    if (!status) throw new UnmappedStatusError('attemptStatus');
    return [
      {
        ...event,
        status,
        providerStatus: `${levelStatus}/${attemptStatus}`,
        ...(status === 'REJECTED' && { retryable: true, ...toReasons(rejectionReason) }),
      },
    ];
  },

  statusCall: {
    ...(api !== null && { fetchStatus: createClient(api) }),

    parse({ rawBody, subpath }) {
      const body = readJson(rawBody);
      const externalUserId = subpath.slice(ANSWER_SUBPATH.length);
      if ((body.optionalId('externalUserId') ?? externalUserId) !== externalUserId) {
        throw new PayloadError('externalUserId', 'the one that was asked about');
      }
      const payload = readAnswer(body, externalUserId);
      return { eventType: 'kyc/status', duplicateKey: sameness(payload), payload };
    },
  },
});

/** @throws {SignatureError} */
function assertShown({ headers }: WebhookHead, secrets: readonly WebhookSecret[]): void {
  const shown = headers.authorization;
  // The vendor shows the token alone; a proxy or a later version may well put the usual scheme before it.
  const bearer = /^Bearer +(.+)$/i.exec(shown ?? '')?.[1];
  assertToken([shown, bearer], secrets, 'expected authorization to hold a secret of ours');
}

/**
 * The path below the base URL, which may be the bare base URL, hold doubled slashes, be in any letter case, or hold the suffix
 * twice because the base URL was entered with it.
 *
 * @throws {UnknownTypeError} also for a status at the path of another type.
 */
function typeOf(subpath: string, rawBody: Buffer): string {
  const segments = subpath.split('/').filter((segment) => segment !== '');
  const path = segments.join('/').toLowerCase();
  const base = path.startsWith(`${STATUS_SUBPATH}/`) ? path.slice(STATUS_SUBPATH.length + 1) : path;
  if (base === '' || base === STATUS_SUBPATH) return STATUS_TYPE;
  const untracked = lookUp(UNTRACKED_TYPES, base);
  if (untracked === undefined) throw new UnknownTypeError('unknown');
  if (isStatus(rawBody)) throw new UnknownTypeError(untracked);
  return untracked;
}

function isStatus(rawBody: Buffer): boolean {
  return orUndefined(() => readJson(rawBody).has('verificationStatus')) ?? false;
}

const ANSWER_SUBPATH = 'v1/kyc/status/';

function createClient({ apiKey, origin }: P100Api): FetchStatus {
  return async ({ subjectRef }, { signal }) => {
    const path = `/v1/kyc/status/${encodeURIComponent(subjectRef)}`;
    const headers = { 'x-api-key': apiKey };
    const rawBody = await requestApi({ origin, path, headers, signal, classify: meaningOf });
    return rawBody && { subpath: ANSWER_SUBPATH + subjectRef, rawBody };
  };
}

/** Error codes of the status call: the user is not verified; there is no KYC for the user. Of an open attempt, neither says anything. */
const NOT_VERIFIED_CODES: ReadonlySet<string> = new Set(['P459', 'P445']);
const NO_USER = 'P412';

function meaningOf(status: number, body: Buffer): 'ANSWER' | 'UNKNOWN' | undefined {
  if (status !== 400 && status !== 404) return undefined;
  const code = orUndefined(() => readJson(body).optionalWord('code'));
  if (code === NO_USER) return 'UNKNOWN';
  return code !== undefined && NOT_VERIFIED_CODES.has(code) ? 'ANSWER' : undefined;
}

function readAnswer(body: JsonBody, externalUserId: string): Notification {
  const code = body.optionalWord('code');
  if (code === undefined || !NOT_VERIFIED_CODES.has(code) || body.has('verificationStatus')) {
    return readNotification(body, externalUserId, true);
  }
  return {
    externalUserId,
    verificationStatus: 'NOT_VERIFIED',
    attemptStatus: undefined,
    rejectionReason: undefined,
    fromStatusCheck: true,
  };
}

function readNotification(body: JsonBody, externalUserId: string, asked: boolean): Notification {
  return {
    externalUserId,
    verificationStatus: body.word('verificationStatus'),
    attemptStatus: body.optionalWord('attemptStatus'),
    rejectionReason: body.optionalWord('rejectionReason'),
    fromStatusCheck: asked,
  };
}

function sameness(notification: Notification): readonly string[] {
  const { externalUserId, verificationStatus, attemptStatus, rejectionReason } = notification;
  return [externalUserId, verificationStatus, attemptStatus ?? '', rejectionReason ?? ''];
}

/** Does as the vendor does. */
export const signP100: Signer = (_body, secret) => ({
  subpath: STATUS_SUBPATH,
  headers: { Authorization: secret },
});

function toReasons(word: string | undefined): { readonly reasons?: readonly [Reason] } {
  if (word === undefined) return {};
  const code = lookUp<ReasonCode>(CODE_BY_REASON, word) ?? 'OTHER';
  return { reasons: [{ code, providerCode: word, message: null }] };
}
