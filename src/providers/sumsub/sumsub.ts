/**
 * Sumsub: news of applicants, and of single actions of theirs.
 *
 * Signature: `x-payload-digest: <hex HMAC of the raw body>`, its algorithm named by `x-payload-digest-alg`.
 * Delivery:  in no order, repeats possible. Connects within 1 s, expects 2xx within 5 s. Otherwise 4 more attempts: within 7
 *            minutes for `applicantActionReviewed`, `…OnHold` and `…Pending`, within a day for all other types.
 *
 * The type decides first, then `reviewStatus`, and `reviewResult` only once the review is completed: messages about
 * something else carry the result of an earlier one along, so that a reset arrives with a stale GREEN.
 *
 * @see https://docs.sumsub.com (User verification webhooks; Webhook manager; as of 2025)
 */

import type { WebhookRequest } from '../../domain/delivery';
import {
  PayloadError,
  SignatureError,
  UnknownTypeError,
  UnmappedStatusError,
} from '../../domain/errors';
import type { AccountState } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import { fingerprint } from '../kit/fingerprint';
import { assertHmac, HMAC_HASHES, type HmacHash, hmac } from '../kit/hmac';
import { type JsonBody, orUndefined, readJson } from '../kit/json';
import { lookUp } from '../kit/look-up';
import type { ErasedIdentity, ProviderFactory, Signer } from '../provider';
import { createSumsubClient, parseStatusResponse, type SumsubApi } from './client';
import {
  type Applicant,
  type Notification,
  type OpenWord,
  readExplanation,
  readReview,
  type SumsubEvent,
  type Target,
  toEvents,
} from './events';

const DIGEST = 'x-payload-digest';
const ALGORITHM = 'x-payload-digest-alg';

const HASH_BY_ALGORITHM = {
  HMAC_SHA1_HEX: 'sha1',
  HMAC_SHA256_HEX: 'sha256',
  HMAC_SHA512_HEX: 'sha512',
} as const satisfies Record<string, HmacHash>;

/** Types that say all by themselves, and Sumsub's own word for it: what `reviewStatus` holds beside them is not reliable. */
const STATUS_BY_TYPE: Readonly<Record<string, OpenWord>> = {
  applicantCreated: { status: 'PENDING', word: 'init' },
  applicantPending: { status: 'IN_PROGRESS', word: 'pending' },
  applicantPrechecked: { status: 'IN_PROGRESS', word: 'queued' },
  applicantOnHold: { status: 'IN_REVIEW', word: 'onHold' },
  applicantAwaitingService: { status: 'IN_PROGRESS', word: 'awaitingService' },
  applicantAwaitingUser: { status: 'ACTION_REQUIRED', word: 'awaitingUser' },
  applicantActionPending: { status: 'IN_PROGRESS', word: 'pending' },
  applicantActionOnHold: { status: 'IN_REVIEW', word: 'onHold' },
};

/** Types that bring a result. The second usually follows the first with the same result. */
const RESULT_TYPES: ReadonlySet<string> = new Set([
  'applicantReviewed',
  'applicantWorkflowCompleted',
  'applicantActionReviewed',
]);

/** Known types that say nothing about a verification: profile, tags, video calls, transactions, cases. */
const UNTRACKED_TYPES: ReadonlySet<string> = new Set([
  'applicantActionLevelChanged',
  'applicantPersonalDataDeleted', // see `erasedAccount`
  'applicantPersonalInfoChanged',
  'applicantTagsChanged',
  'applicantVerificationLinkOpened',
]);

/** Beginnings of known types about something other than an applicant's verification. */
const UNTRACKED_FAMILIES = [
  'amlCase',
  'applicantKyt',
  'kyb',
  'kytCase',
  'travelRule',
  'videoIdent',
];

const ACCOUNT_STATE_BY_TYPE = {
  applicantActivated: 'ACTIVE',
  applicantDeactivated: 'DEACTIVATED',
  applicantDeleted: 'DELETED',
} as const satisfies Record<string, AccountState>;

export interface SumsubOptions {
  /** The weakest algorithm that is a proof, so that a sender cannot choose a weaker one. */
  readonly minimumDigest: HmacHash;
  /** `null`: Sumsub is not asked. */
  readonly api?: SumsubApi | null;
  /** Whether whom Sumsub erases is to be erased here too. */
  readonly erases?: boolean;
}

/** Levels are named by our customer; an action is an attempt at a level of kind ACTION, by the vendor's id of it. */
export const sumsub: ProviderFactory<SumsubOptions, Notification> = ({
  minimumDigest,
  secrets,
  api = null,
  erases = false,
}) => ({
  id: 'sumsub',
  dated: true,

  verify(request) {
    assertHmac(request, { hash: hashOf(request, minimumDigest), header: DIGEST, secrets });
    return { trust: 'SIGNED', subpath: request.subpath };
  },

  parse({ rawBody }) {
    const body = readJson(rawBody);
    const type = body.word('type');
    const news = readNews(type, body);
    if (!news) {
      if (!isUntracked(type)) throw new UnknownTypeError(type);
      // There may be no applicant in it.
      return { eventType: type, duplicateKey: [type, fingerprint(rawBody)], payload: undefined };
    }
    const applicant = readApplicant(body);
    return {
      eventType: type,
      duplicateKey: [
        type,
        applicant.subjectRef,
        body.optionalId('applicantActionId') ?? '',
        body.string(clockOf(body)),
      ],
      payload: { applicant, event: news },
    };
  },

  normalize: toEvents,

  ...(erases && { erasedAccount }),

  statusCall: {
    supportsActions: true,
    ...(api !== null && { fetchStatus: createSumsubClient(api) }),
    parse: parseStatusResponse,
  },
});

const ERASING_TYPES: ReadonlySet<string> = new Set([
  'applicantDeleted',
  'applicantPersonalDataDeleted',
]);

function erasedAccount({ rawBody }: Pick<WebhookRequest, 'rawBody'>): ErasedIdentity | undefined {
  return orUndefined(() => {
    const body = readJson(rawBody);
    if (isSandbox(body)) return undefined; // nobody is lost by a test
    if (!ERASING_TYPES.has(body.word('type'))) return undefined;
    const subjectRef = body.id('applicantId');
    const occurredAt = orUndefined(() => readClock(body));
    return { subjectRef, ...(occurredAt !== undefined && { occurredAt }) };
  });
}

/** Does as the vendor does. */
export const signSumsub: Signer = (body, secret, { sumsubDigest = 'sha256' }) => ({
  subpath: '',
  headers: {
    'X-Payload-Digest': hmac(sumsubDigest, secret, body).toString('hex'),
    'X-Payload-Digest-Alg': `HMAC_${sumsubDigest.toUpperCase()}_HEX`,
  },
});

/**
 * The algorithm that the sender names, from the three that exist and no weaker than configured. Senders from before the
 * header are held to the weakest that we take.
 */
function hashOf(request: WebhookRequest, minimum: HmacHash): HmacHash {
  const name = request.headers[ALGORITHM];
  const hash = name === undefined ? minimum : lookUp<HmacHash>(HASH_BY_ALGORITHM, name);
  if (!hash || HMAC_HASHES.indexOf(hash) < HMAC_HASHES.indexOf(minimum)) {
    const expected = `expected ${ALGORITHM} to name an algorithm that we accept`;
    throw new SignatureError('ALGORITHM_NOT_ALLOWED', expected);
  }
  return hash;
}

/** `undefined` if the type is about nothing we track. */
function readNews(type: string, body: JsonBody): SumsubEvent | undefined {
  const open = lookUp(STATUS_BY_TYPE, type);
  if (open) {
    const explanation = open.status === 'IN_REVIEW' ? readExplanation(body) : undefined;
    return { about: 'PROGRESS', at: readStage(type, body), open, explanation };
  }
  if (RESULT_TYPES.has(type)) {
    return { about: 'RESULT', at: readStage(type, body), review: readReview(body) };
  }
  if (type === 'applicantWorkflowFailed') return readWorkflowFailure(type, body);
  if (type === 'applicantStepsReset') {
    return {
      about: 'REOPENING',
      level: body.word('levelName'),
      open: { status: 'ACTION_REQUIRED', word: type },
    };
  }
  if (type === 'applicantReset') return { about: 'RESET', level: body.word('levelName') };
  if (type === 'applicantLevelChanged') {
    const level = body.word('levelName');
    return { about: 'LEVEL_CHANGE', level, previousLevel: body.optionalWord('previousLevelName') };
  }
  const state = lookUp<AccountState>(ACCOUNT_STATE_BY_TYPE, type);
  return state && { about: 'ACCOUNT', state };
}

/** The workflow ended badly: with a verdict, or because the run itself failed, which leaves the decision to a person. */
function readWorkflowFailure(type: string, body: JsonBody): SumsubEvent {
  const level = body.word('levelName');
  const decided = body.optionalWord('reviewStatus') === 'completed';
  if (decided && body.has('reviewResult.reviewAnswer')) {
    const review = readReview(body);
    // A failed workflow approves no one, so an approval in the same message is a contradiction.
    if (review?.answer === 'GREEN') throw new UnmappedStatusError('reviewResult.reviewAnswer');
    return { about: 'RESULT', at: { level, levelKind: 'LEVEL' }, review };
  }
  return { about: 'REOPENING', level, open: { status: 'IN_REVIEW', word: type } };
}

function isUntracked(type: string): boolean {
  return (
    UNTRACKED_TYPES.has(type) || UNTRACKED_FAMILIES.some((beginning) => type.startsWith(beginning))
  );
}

function readStage(type: string, body: JsonBody): Target {
  const level = body.word('levelName');
  return type.startsWith('applicantAction')
    ? { level, levelKind: 'ACTION', attemptRef: body.id('applicantActionId') }
    : { level, levelKind: 'LEVEL' };
}

function readApplicant(body: JsonBody): Applicant {
  const externalUserId = body.optionalId('externalUserId');
  return {
    subjectRef: body.id('applicantId'),
    ...(externalUserId !== undefined && { externalUserId }),
    occurredAt: readClock(body),
    ...(isCompany(body) && { kind: 'COMPANY' }),
    ...(isSandbox(body) && { sandbox: true }),
  };
}

/** Any other word than `individual` and `company` is quarantined: whom the message verifies is not known. */
function isCompany(body: JsonBody): boolean {
  const type = body.optionalWord('applicantType')?.toLowerCase();
  if (type !== undefined && type !== 'individual' && type !== 'company') {
    throw new PayloadError('applicantType', '`individual` or `company`');
  }
  return type === 'company';
}

/** `testMode` is in webhooks that are sent by hand from Sumsub's dashboard; the type of its value is not documented. */
function isSandbox(body: JsonBody): boolean {
  if (body.optionalFlag('sandboxMode') === true) return true;
  return body.has('testMode') && !body.isFalse('testMode');
}

function readClock(body: JsonBody): Instant {
  return body.instant(clockOf(body), { zoneless: 'UTC' });
}

/** The field with milliseconds, else the one with whole seconds that some messages have beside it. */
function clockOf(body: JsonBody): 'createdAtMs' | 'createdAt' {
  return !body.has('createdAtMs') && body.has('createdAt') ? 'createdAt' : 'createdAtMs';
}
