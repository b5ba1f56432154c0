/**
 * P100 adapter (also published as Fintegence). A webhook has the lasting status of a user and the status of the open attempt.
 *
 * Authentication:      static token in `Authorization`. The body is not signed.
 * Path:                P100 appends `/webhook/kyc-verification/status` to the base URL. It does not document how it joins them.
 * Delivery guarantees: 5 attempts within about 2 minutes. No event ID, attempt ID, timestamp or level.
 *
 * Status check: `GET /v1/kyc/status/{externalUserId}` with `x-api-key`. The body of a 200 response is undocumented. It is parsed like
 * a webhook and quarantined otherwise. Two of the documented errors mean that the user is not verified.
 *
 * @see https://partner-api-docs.p100.io (Webhooks; KYC Verification Status; Get KYC Status; as of 2025)
 */

import type { WebhookHead } from '../domain/delivery';
import { PayloadError, UnknownTypeError, UnmappedStatusError } from '../domain/errors';
import type { Reason, ReasonCode } from '../domain/event';
import { type AttemptStatus, VERIFICATION_STATUSES } from '../domain/status';
import { fingerprint } from './kit/hmac';
import { requestApi } from './kit/http-client';
import { type JsonBody, lookUp, readJson, tryRead } from './kit/json';
import { assertToken } from './kit/token';
import type { FetchStatus, ProviderFactory, Signer, WebhookSecret } from './provider';

const LEVEL = 'kyc';

const STATUS_SUBPATH = 'webhook/kyc-verification/status';

/** Known types that do not affect a verification, by path. */
const UNTRACKED_TYPES: Readonly<Record<string, string>> = {
  'webhook/user/status': 'user/status', // the user's balances are ready
  'webhook/health': 'health',
};

const STATUS_TYPE = 'kyc-verification/status';

const ATTEMPT_STATUS = {
  PENDING: 'PENDING',
  VERIFICATION: 'IN_PROGRESS',
  REJECTED_BY_PROVIDER: 'REJECTED',
  SUCCESSFUL: 'APPROVED',
} as const satisfies Record<string, AttemptStatus>;

/** Open set. P100 documents only `NO_FACE_FOUND`. The other codes are from iDenfy, which P100 uses. */
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
  /** Present only while an attempt is open. */
  readonly attemptStatus: string | undefined;
  readonly rejectionReason: string | undefined;
  /** Whether this is a response to a status check. Then a missing `attemptStatus` is unknown and does not mean that no attempt is open. */
  readonly fromStatusCheck: boolean;
}

export interface P100Options {
  /** If null, the gateway sends no status checks. */
  readonly api?: P100Api | null;
}

export interface P100Api {
  readonly apiKey: string;
  /** For example `https://partner-api.p100.io`. */
  readonly origin: string;
}

/** Creates the adapter. P100 has one level, `kyc`, and identifies users only by the customer's ID. */
export const p100: ProviderFactory<P100Options, Notification> = ({ secrets, api = null }) => ({
  id: 'p100',
  dated: false,

  verifyHead: (head) => assertSecret(head, secrets),

  verify(request) {
    assertSecret(request, secrets);
    return { trust: 'TOKEN', subpath: request.subpath };
  },

  parse({ rawBody, subpath }) {
    const eventType = parseEventType(subpath, rawBody);
    if (eventType !== STATUS_TYPE) {
      return { eventType, duplicateKey: [eventType, fingerprint(rawBody)], payload: undefined };
    }
    const body = readJson(rawBody);
    const payload = readNotification(body, body.id('externalUserId'), false);
    return { eventType, duplicateKey: [eventType, ...toDuplicateKey(payload)], payload };
  },

  normalize({
    externalUserId,
    verificationStatus,
    attemptStatus,
    rejectionReason,
    fromStatusCheck,
  }) {
    const levelStatus = VERIFICATION_STATUSES.find((status) => status === verificationStatus);
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
      const { levelStatus: _, ...target } = event;
      return fromStatusCheck && levelStatus === 'NOT_VERIFIED'
        ? [{ ...target, type: 'UNVERIFIED', providerStatus: levelStatus }]
        : [{ ...event, providerStatus: levelStatus }];
    }

    const status = lookUp<AttemptStatus>(ATTEMPT_STATUS, attemptStatus);
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
      const externalUserId = subpath.slice(STATUS_CALL_SUBPATH.length);
      if ((body.optionalId('externalUserId') ?? externalUserId) !== externalUserId) {
        throw new PayloadError('externalUserId', 'the ID of the requested user');
      }
      const payload = readStatusResponse(body, externalUserId);
      return { eventType: 'kyc/status', duplicateKey: toDuplicateKey(payload), payload };
    },
  },
});

/** @throws {SignatureError} */
function assertSecret({ headers }: WebhookHead, secrets: readonly WebhookSecret[]): void {
  const { authorization } = headers;
  // P100 sends the token without a scheme. A proxy or a later version may add `Bearer`.
  const bearer = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
  assertToken(
    [authorization, bearer],
    secrets,
    '`authorization` must contain a configured secret.',
  );
}

/**
 * Parses the event type from the path below the base URL. Accepts an empty path, doubled slashes, any letter case, and a repeated
 * suffix, which results from a base URL that already contains it.
 *
 * @throws {UnknownTypeError} For an unknown path, and for a status at the path of another type.
 */
function parseEventType(subpath: string, rawBody: Buffer): string {
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
  return tryRead(() => readJson(rawBody).has('verificationStatus')) ?? false;
}

const STATUS_CALL_SUBPATH = 'v1/kyc/status/';

function createClient({ apiKey, origin }: P100Api): FetchStatus {
  return async ({ subjectRef }, { signal }) => {
    const path = `/v1/kyc/status/${encodeURIComponent(subjectRef)}`;
    const headers = { 'x-api-key': apiKey };
    const rawBody = await requestApi({ origin, path, headers, signal, classify: classifyError });
    return rawBody && { subpath: STATUS_CALL_SUBPATH + subjectRef, rawBody };
  };
}

/** Error codes of the status call: the user is not verified (P459) or has no KYC (P445). Neither reports an open attempt. */
const NOT_VERIFIED_CODES: ReadonlySet<string> = new Set(['P459', 'P445']);
const NO_USER = 'P412';

function classifyError(status: number, body: Buffer): 'RESPONSE' | 'NOT_FOUND' | undefined {
  if (status !== 400 && status !== 404) return undefined;
  const code = tryRead(() => readJson(body).optionalName('code'));
  if (code === NO_USER) return 'NOT_FOUND';
  return code !== undefined && NOT_VERIFIED_CODES.has(code) ? 'RESPONSE' : undefined;
}

function readStatusResponse(body: JsonBody, externalUserId: string): Notification {
  const code = body.optionalName('code');
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

function readNotification(
  body: JsonBody,
  externalUserId: string,
  fromStatusCheck: boolean,
): Notification {
  return {
    externalUserId,
    verificationStatus: body.name('verificationStatus'),
    attemptStatus: body.optionalName('attemptStatus'),
    rejectionReason: body.optionalName('rejectionReason'),
    fromStatusCheck,
  };
}

function toDuplicateKey(notification: Notification): readonly string[] {
  const { externalUserId, verificationStatus, attemptStatus, rejectionReason } = notification;
  return [externalUserId, verificationStatus, attemptStatus ?? '', rejectionReason ?? ''];
}

/** Signs like the provider. */
export const signP100: Signer = (_body, secret) => ({
  subpath: STATUS_SUBPATH,
  headers: { Authorization: secret },
});

function toReasons(providerCode: string | undefined): { readonly reasons?: readonly [Reason] } {
  if (providerCode === undefined) return {};
  const code = lookUp<ReasonCode>(CODE_BY_REASON, providerCode) ?? 'OTHER';
  return { reasons: [{ code, providerCode, message: null }] };
}
