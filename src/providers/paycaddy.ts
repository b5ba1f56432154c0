/**
 * PayCaddy adapter. Each step of an end user's verification is one notification.
 *
 * Authentication:      no signature is documented. A long secret is the last segment of the URL or the value of `X-Api-Key`.
 * Delivery guarantees: order and retries are undocumented. No event ID, attempt ID or level.
 *
 * Status check: `GET /v2/endUsers/{id}` with `X-API-KEY`. Only `isActive` in the response is about the verification: `true` means
 * approved. `false` means any other status: rejected, in review or not started.
 *
 * @see PayCaddy API on Read the Docs (Integrated KYC Notifications; V2 Users; as of 2025)
 */

import type { WebhookHead } from '../domain/delivery';
import { PayloadError, UnmappedStatusError } from '../domain/errors';
import type { Profile, Reason, ReasonCode, VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { AttemptStatus } from '../domain/status';
import { fingerprint } from './kit/hmac';
import { requestApi } from './kit/http-client';
import { type JsonBody, lookUp, readJson } from './kit/json';
import { assertToken } from './kit/token';
import type { FetchStatus, ProviderFactory, Signer, WebhookSecret } from './provider';

const LEVEL = 'kyc';

const ATTEMPT_STATUS = {
  verification_inputs_completed: 'IN_PROGRESS',
  verified: 'APPROVED',
  rejected: 'REJECTED', // not final: PayCaddy's compliance team reviews rejections daily
  reviewNeeded: 'IN_REVIEW',
} as const satisfies Record<string, AttemptStatus>;

interface DescribedReason {
  readonly code: ReasonCode;
  /** Whether the user may retry. Undocumented for the other reasons, which PayCaddy's compliance team handles. */
  readonly retryable?: true;
}

/** Reasons by `description`, with a straight apostrophe. Open set. One description can occur with two statuses. */
const REASON_BY_DESCRIPTION: Readonly<Record<string, DescribedReason>> = {
  "Document doesn't match input data": { code: 'DATA_MISMATCH', retryable: true },
  'AML checks rejected': { code: 'AML' },
  'The user is underage': { code: 'AGE_REQUIREMENT' },
  'The document uploaded is expired': { code: 'DOCUMENT_EXPIRED' },
  'The document uploaded has issues': { code: 'DOCUMENT_INVALID' },
  'Validation Failed. User cannot be verified': { code: 'OTHER' },
  'AML checks need to be reviewed': { code: 'AML' },
  'Government validation system inoperative': { code: 'CHECK_UNAVAILABLE' },
  'Validation failed. Pending compliance review': { code: 'OTHER' },
};

/** Values that PayCaddy sends for a missing name or age. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['', 'null', 'Document OCR capture ongoing']);

type Notification = StatusNotification | ActiveState;

interface ActiveState {
  readonly kind: 'ACTIVE';
  readonly userRef: string;
  readonly active: boolean;
}

interface StatusNotification {
  readonly kind: 'STATUS';
  readonly userRef: string;
  readonly status: string;
  readonly description: string;
  readonly profile: Profile;
  readonly occurredAt: Instant;
}

export interface PaycaddyOptions {
  /** If null, the gateway sends no status checks. */
  readonly api?: PaycaddyApi | null;
}

export interface PaycaddyApi {
  readonly apiKey: string;
  /** For example `https://api.api-sandbox.paycaddy.dev`. */
  readonly origin: string;
}

/** Creates the adapter. PayCaddy has one level, `kyc`. A notification can contain a name and an age in addition to the status. */
export const paycaddy: ProviderFactory<PaycaddyOptions, Notification> = ({
  secrets,
  api = null,
}) => ({
  id: 'paycaddy',
  dated: true,

  verifyHead: (head) => assertSecret(head, secrets),

  verify(request) {
    assertSecret(request, secrets);
    // Discards the whole path: it may contain this secret or an earlier one.
    return { trust: 'TOKEN', subpath: '' };
  },

  parse({ rawBody }) {
    const body = readJson(rawBody);
    const userRef = body.id('metadata.userId');
    const status = body.name('status');
    const description = body.optionalString('description') ?? '';
    const field = timestampField(body);
    const occurredAt = body.instant(field);
    return {
      eventType: LEVEL,
      // The description may be free text, so only its digest is stored.
      duplicateKey: [LEVEL, userRef, status, fingerprint(description), body.string(field)],
      payload: {
        kind: 'STATUS',
        userRef,
        status,
        description,
        profile: readProfile(body),
        occurredAt,
      },
    };
  },

  normalize(notification) {
    if (notification.kind === 'ACTIVE') return [toActiveEvent(notification)];
    const {
      userRef: subjectRef,
      status: providerStatus,
      description,
      profile,
      occurredAt,
    } = notification;
    const status = lookUp<AttemptStatus>(ATTEMPT_STATUS, providerStatus);
    if (!status) throw new UnmappedStatusError('status');
    const event = {
      type: 'STATUS',
      subjectRef,
      occurredAt,
      level: LEVEL,
      levelKind: 'LEVEL',
      status,
      providerStatus,
      ...toExplanation(status, description),
    } as const;
    if (Object.keys(profile).length === 0) return [event];
    return [event, { type: 'PROFILE', subjectRef, occurredAt, profile }];
  },

  statusCall: {
    ...(api !== null && { fetchStatus: createClient(api) }),

    parse({ rawBody, subpath }) {
      const body = readJson(rawBody);
      const userRef = subpath.slice(STATUS_CALL_SUBPATH.length);
      if (body.id('id') !== userRef) throw new PayloadError('id', 'the ID of the requested user');
      const active = body.optionalFlag('isActive');
      if (active === undefined) throw new PayloadError('isActive', 'true or false');
      return {
        eventType: 'endUsers',
        duplicateKey: [userRef, String(active)],
        payload: { kind: 'ACTIVE', userRef, active },
      };
    },
  },
});

/** @throws {SignatureError} */
function assertSecret({ headers, subpath }: WebhookHead, secrets: readonly WebhookSecret[]): void {
  const path = subpath.replace(/\/$/, '');
  const lastSegment = path.slice(path.lastIndexOf('/') + 1);
  assertToken(
    [path, lastSegment, headers['x-api-key']],
    secrets,
    'The last segment of the path, or `x-api-key`, must be a configured secret.',
  );
}

const STATUS_CALL_SUBPATH = 'v2/endUsers/';

function createClient({ apiKey, origin }: PaycaddyApi): FetchStatus {
  return async ({ subjectRef }, { signal }) => {
    const path = `/v2/endUsers/${encodeURIComponent(subjectRef)}`;
    const rawBody = await requestApi({ origin, path, headers: { 'X-API-KEY': apiKey }, signal });
    return rawBody && { subpath: STATUS_CALL_SUBPATH + subjectRef, rawBody };
  };
}

function toActiveEvent({ userRef: subjectRef, active }: ActiveState): VerificationEvent {
  const target = { subjectRef, level: LEVEL, levelKind: 'LEVEL' } as const;
  return active
    ? { ...target, type: 'STATUS', status: 'APPROVED', providerStatus: 'isActive' }
    : { ...target, type: 'UNVERIFIED', providerStatus: 'not isActive' };
}

/** Signs like the provider, with the secret in the path. */
export const signPaycaddy: Signer = (_body, secret) => ({
  subpath: encodeURIComponent(secret),
  headers: {},
});

/** PayCaddy's examples write `timeStamp`, its table of fields writes `timestamp`. */
function timestampField(body: JsonBody): 'timeStamp' | 'timestamp' {
  return !body.has('timeStamp') && body.has('timestamp') ? 'timestamp' : 'timeStamp';
}

function readProfile(body: JsonBody): Profile {
  const fullName = body.optionalText('fullName')?.trim() ?? '';
  const age = body.optionalText('age')?.trim() ?? '';
  return {
    ...(!PLACEHOLDERS.has(fullName) && { fullName }),
    ...(!PLACEHOLDERS.has(age) && { age }),
  };
}

/** Returns the reason of a rejection or review. Other statuses have none. */
function toExplanation(
  status: AttemptStatus,
  description: string,
): { readonly retryable?: true; readonly reasons?: readonly Reason[] } {
  const hasReason = status === 'REJECTED' || status === 'IN_REVIEW';
  if (!hasReason || description.trim() === '') return {};

  const known = lookUp(REASON_BY_DESCRIPTION, description.trim().replaceAll('\u2019', "'"));
  const reason: Reason = {
    code: known?.code ?? 'OTHER',
    providerCode: description,
    message: known ? null : description,
  };
  const retryable = status === 'REJECTED' && known?.retryable;
  return { reasons: [reason], ...(retryable && { retryable }) };
}
