/**
 * PayCaddy: one notification per step of an end user's verification.
 *
 * Proof:    no signature is documented. A long secret is the last segment of the URL, or stands in `X-Api-Key`.
 * Delivery: nothing is documented: no order, no retries, no id of the event or of the attempt, no level.
 *
 * Status call: `GET /v2/endUsers/{id}` with `X-API-KEY`. Of all that it answers, `isActive` alone tells of the verification:
 * `true` is an approval; `false` is anything else, be it rejected, in review or not begun.
 *
 * @see PayCaddy API on Read the Docs (Integrated KYC Notifications; V2 Users; as of 2025)
 */

import type { WebhookHead } from '../domain/delivery';
import { PayloadError, UnmappedStatusError } from '../domain/errors';
import type { Profile, Reason, ReasonCode, VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { AttemptStatus } from '../domain/status';
import { requestApi } from './kit/api';
import { fingerprint } from './kit/fingerprint';
import { type JsonBody, readJson } from './kit/json';
import { lookUp } from './kit/look-up';
import { assertToken } from './kit/token';
import type { FetchStatus, ProviderFactory, Signer, WebhookSecret } from './provider';

const LEVEL = 'kyc';

const STATUS_BY_WORD = {
  verification_inputs_completed: 'IN_PROGRESS',
  verified: 'APPROVED',
  rejected: 'REJECTED', // not for good: their compliance looks at it every day
  reviewNeeded: 'IN_REVIEW',
} as const satisfies Record<string, AttemptStatus>;

interface Phrase {
  readonly code: ReasonCode;
  /** PayCaddy lets the user go through it again. It is silent about all others, which go to its compliance. */
  readonly retryable?: true;
}

/** `description`, with a straight apostrophe. An open set, and one phrase stands under two statuses. */
const PHRASES: Readonly<Record<string, Phrase>> = {
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

/** What stands in place of a name or an age while there is none. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['', 'null', 'Document OCR capture ongoing']);

type Notification = News | State;

interface State {
  readonly about: 'STATE';
  readonly userRef: string;
  readonly active: boolean;
}

interface News {
  readonly about: 'NEWS';
  readonly userRef: string;
  readonly status: string;
  readonly description: string;
  readonly profile: Profile;
  readonly occurredAt: Instant;
}

export interface PaycaddyOptions {
  /** `null`: PayCaddy is not asked. */
  readonly api?: PaycaddyApi | null;
}

export interface PaycaddyApi {
  readonly apiKey: string;
  /** `https://api.api-sandbox.paycaddy.dev` */
  readonly origin: string;
}

/** One level, `kyc`. A delivery may bring a name and an age beside the status. */
export const paycaddy: ProviderFactory<PaycaddyOptions, Notification> = ({
  secrets,
  api = null,
}) => ({
  id: 'paycaddy',
  dated: true,

  verifyHead: (head) => assertShown(head, secrets),

  verify(request) {
    assertShown(request, secrets);
    // Nothing of the path is kept: it may hold this secret, or one that was in use before.
    return { trust: 'TOKEN', subpath: '' };
  },

  parse({ rawBody }) {
    const body = readJson(rawBody);
    const userRef = body.id('metadata.userId');
    const status = body.word('status');
    const description = body.optionalString('description') ?? '';
    const clock = clockOf(body);
    const occurredAt = body.instant(clock);
    return {
      eventType: LEVEL,
      // The description is free text as far as we know, so only its sameness is kept.
      duplicateKey: [LEVEL, userRef, status, fingerprint(description), body.string(clock)],
      payload: {
        about: 'NEWS',
        userRef,
        status,
        description,
        profile: readProfile(body),
        occurredAt,
      },
    };
  },

  normalize(notification) {
    if (notification.about === 'STATE') return [toState(notification)];
    const { userRef: subjectRef, status: word, description, profile, occurredAt } = notification;
    const status = lookUp<AttemptStatus>(STATUS_BY_WORD, word);
    if (!status) throw new UnmappedStatusError('status');
    const news = {
      type: 'STATUS',
      subjectRef,
      occurredAt,
      level: LEVEL,
      levelKind: 'LEVEL',
      status,
      providerStatus: word,
      ...toExplanation(status, description),
    } as const;
    if (Object.keys(profile).length === 0) return [news];
    return [news, { type: 'PROFILE', subjectRef, occurredAt, profile }];
  },

  statusCall: {
    ...(api !== null && { fetchStatus: createClient(api) }),

    parse({ rawBody, subpath }) {
      const body = readJson(rawBody);
      const userRef = subpath.slice(ANSWER_SUBPATH.length);
      if (body.id('id') !== userRef) throw new PayloadError('id', 'the one that was asked about');
      const active = body.optionalFlag('isActive');
      if (active === undefined) throw new PayloadError('isActive', 'true or false');
      return {
        eventType: 'endUsers',
        duplicateKey: [userRef, String(active)],
        payload: { about: 'STATE', userRef, active },
      };
    },
  },
});

/** @throws {SignatureError} */
function assertShown({ headers, subpath }: WebhookHead, secrets: readonly WebhookSecret[]): void {
  const path = subpath.replace(/\/$/, '');
  const lastSegment = path.slice(path.lastIndexOf('/') + 1);
  assertToken(
    [path, lastSegment, headers['x-api-key']],
    secrets,
    'expected a secret of ours as the last part of the path or in x-api-key',
  );
}

const ANSWER_SUBPATH = 'v2/endUsers/';

function createClient({ apiKey, origin }: PaycaddyApi): FetchStatus {
  return async ({ subjectRef }, { signal }) => {
    const path = `/v2/endUsers/${encodeURIComponent(subjectRef)}`;
    const rawBody = await requestApi({ origin, path, headers: { 'X-API-KEY': apiKey }, signal });
    return rawBody && { subpath: ANSWER_SUBPATH + subjectRef, rawBody };
  };
}

function toState({ userRef: subjectRef, active }: State): VerificationEvent {
  const at = { subjectRef, level: LEVEL, levelKind: 'LEVEL' } as const;
  return active
    ? { ...at, type: 'STATUS', status: 'APPROVED', providerStatus: 'isActive' }
    : { ...at, type: 'UNVERIFIED', providerStatus: 'not isActive' };
}

/** Does as the vendor does, with the secret in the path. */
export const signPaycaddy: Signer = (_body, secret) => ({
  subpath: encodeURIComponent(secret),
  headers: {},
});

/** The examples write it one way, the vendor's table of fields the other. */
function clockOf(body: JsonBody): 'timeStamp' | 'timestamp' {
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

/** Why somebody was turned down or is looked at; what goes well needs no reason. */
function toExplanation(
  status: AttemptStatus,
  description: string,
): { readonly retryable?: true; readonly reasons?: readonly Reason[] } {
  const explains = status === 'REJECTED' || status === 'IN_REVIEW';
  if (!explains || description.trim() === '') return {};

  const phrase = lookUp(PHRASES, description.trim().replaceAll('\u2019', "'"));
  const reason: Reason = {
    code: phrase?.code ?? 'OTHER',
    providerCode: description,
    message: phrase ? null : description,
  };
  const retryable = status === 'REJECTED' && phrase?.retryable;
  return { reasons: [reason], ...(retryable && { retryable }) };
}
