/**
 * Sumsub: news of applicants, and of single actions of theirs.
 *
 * Signature: `x-payload-digest: <hex HMAC of the raw body>`, its algorithm named by `x-payload-digest-alg`.
 * Delivery:  in no order, repeats possible, tried 5 times over a day unless answered 2xx within 5 s.
 *
 * The type decides first, then `reviewStatus`, and `reviewResult` only once the review is completed: messages about
 * something else carry the result of an earlier one along, so that a reset arrives with a stale GREEN.
 *
 * @see https://docs.sumsub.com (User verification webhooks; Webhook manager; as of 2025)
 */

import { PayloadError, SignatureError, UnmappedStatusError } from '../domain/errors';
import type { AccountState, StatusEvent, VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { WebhookRequest } from '../domain/request';
import type { AttemptStatus } from '../domain/status';
import { fingerprint } from './kit/fingerprint';
import { assertHmac, HMAC_HASHES, type HmacHash, hmac } from './kit/hmac';
import { type JsonBody, readJson } from './kit/json';
import { lookUp } from './kit/look-up';
import type {
  ErasedAccount,
  Message,
  NonEmpty,
  ProviderFactory,
  Signer,
  StatusAnswer,
} from './provider';
import { createSumsubClient, SANDBOX_SUBPATH, type SumsubApi } from './sumsub-client';
import { toReasons } from './sumsub-reasons';

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

interface OpenWord {
  readonly status: AttemptStatus;
  readonly word: string;
}

/** `reviewStatus` of an answer, apart from `init`, where all begins, and `completed`, which has a result beside it. */
const STATUS_BY_WORD: Readonly<Record<string, AttemptStatus>> = {
  pending: 'IN_PROGRESS',
  prechecked: 'IN_PROGRESS',
  queued: 'IN_PROGRESS',
  awaitingService: 'IN_PROGRESS',
  awaitingUser: 'ACTION_REQUIRED',
  onHold: 'IN_REVIEW',
};

/** Types that bring a result. The second usually follows the first and says the same. */
const RESULT_TYPES: ReadonlySet<string> = new Set([
  'applicantReviewed',
  'applicantWorkflowCompleted',
  'applicantActionReviewed',
]);

const STATUS_BY_ANSWER = {
  GREEN: 'APPROVED',
  RED: 'REJECTED',
} as const satisfies Record<string, AttemptStatus>;

const RETRYABLE_BY_REJECT_TYPE: Readonly<Record<string, boolean>> = { RETRY: true, FINAL: false };

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

interface Notification {
  readonly applicant: Applicant;
  readonly news: News;
}

interface Applicant {
  readonly subjectRef: string;
  readonly externalUserId?: string;
  /** Absent where an answer tells a state without its beginning. */
  readonly occurredAt?: Instant;
  readonly sandbox?: true;
}

type News =
  | { readonly about: 'PROGRESS'; readonly at: Stage; readonly open: OpenWord }
  | { readonly about: 'RESULT'; readonly at: Stage; readonly review: Review | undefined }
  | { readonly about: 'BEGINNING'; readonly level: string }
  | { readonly about: 'RESET'; readonly level: string }
  | {
      readonly about: 'LEVEL_CHANGE';
      readonly level: string;
      readonly previousLevel: string | undefined;
    }
  | { readonly about: 'ACCOUNT'; readonly state: AccountState };

/** What is verified: the person at a level, or one action of theirs (a payment method, say), which never counts. */
type Stage =
  | { readonly level: string; readonly levelKind: 'LEVEL' }
  | { readonly level: string; readonly levelKind: 'ACTION'; readonly attemptRef: string };

interface Review {
  readonly answer: string;
  readonly rejectType: string | undefined;
  readonly labels: readonly string[];
  readonly comment: string | undefined;
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
    // Tags, profile changes, video calls, transactions, …, and whatever comes to be. There may be no applicant in it.
    if (!news) {
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
      payload: { applicant, news },
    };
  },

  normalize({ applicant, news }) {
    switch (news.about) {
      case 'PROGRESS': {
        const { status, word } = news.open;
        return [{ type: 'STATUS', ...applicant, ...news.at, status, providerStatus: word }];
      }
      case 'RESULT':
        return [{ type: 'STATUS', ...applicant, ...news.at, ...toResult(news.review) }];
      case 'BEGINNING':
        return toBeginning(applicant, news.level);
      case 'RESET':
        return [
          {
            type: 'RESET',
            ...applicant,
            level: news.level,
            levelKind: 'LEVEL',
            providerStatus: 'init',
          },
        ];
      case 'LEVEL_CHANGE':
        return toLevelChange(applicant, news.level, news.previousLevel);
      case 'ACCOUNT':
        return [{ type: 'ACCOUNT', ...applicant, state: news.state }];
    }
  },

  ...(erases && { erasedAccount }),

  statusCall: { ...(api !== null && { fetchStatus: createSumsubClient(api) }), parse: parseAnswer },
});

const ERASING_TYPES: ReadonlySet<string> = new Set([
  'applicantDeleted',
  'applicantPersonalDataDeleted',
]);

function erasedAccount({ rawBody }: Pick<WebhookRequest, 'rawBody'>): ErasedAccount | undefined {
  return orUndefined(() => {
    const body = readJson(rawBody);
    if (body.optionalFlag('sandboxMode') === true) return undefined; // nobody is lost by a test
    if (!ERASING_TYPES.has(body.word('type'))) return undefined;
    const subjectRef = body.id('applicantId');
    const occurredAt = orUndefined(() => readClock(body));
    return { subjectRef, ...(occurredAt !== undefined && { occurredAt }) };
  });
}

/** Where it cannot be read, too. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PayloadError) return undefined;
    throw error;
  }
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
    throw new SignatureError(`expected ${ALGORITHM} to name an algorithm that we accept`);
  }
  return hash;
}

/** `undefined` if the type is about nothing we track. */
function readNews(type: string, body: JsonBody): News | undefined {
  const open = lookUp(STATUS_BY_TYPE, type);
  if (open) return { about: 'PROGRESS', at: readStage(type, body), open };
  if (RESULT_TYPES.has(type)) {
    return { about: 'RESULT', at: readStage(type, body), review: readReview(body) };
  }
  if (type === 'applicantReset') return { about: 'RESET', level: body.word('levelName') };
  if (type === 'applicantLevelChanged') {
    const level = body.word('levelName');
    return { about: 'LEVEL_CHANGE', level, previousLevel: body.optionalWord('previousLevelName') };
  }
  const state = lookUp<AccountState>(ACCOUNT_STATE_BY_TYPE, type);
  return state && { about: 'ACCOUNT', state };
}

function readStage(type: string, body: JsonBody): Stage {
  const level = body.word('levelName');
  return type.startsWith('applicantAction')
    ? { level, levelKind: 'ACTION', attemptRef: body.id('applicantActionId') }
    : { level, levelKind: 'LEVEL' };
}

/** `undefined` unless the review is completed: before that, a result is an old one or of one step alone. */
function readReview(body: JsonBody): Review | undefined {
  if (body.word('reviewStatus') !== 'completed') return undefined;
  return {
    answer: body.word('reviewResult.reviewAnswer'),
    rejectType: body.optionalWord('reviewResult.reviewRejectType'),
    labels: body.strings('reviewResult.rejectLabels'),
    // `clientComment` is for our customer's staff alone and goes no further.
    comment: body.optionalString('reviewResult.moderationComment'),
  };
}

function readApplicant(body: JsonBody): Applicant {
  const externalUserId = body.optionalId('externalUserId');
  return {
    subjectRef: body.id('applicantId'),
    ...(externalUserId !== undefined && { externalUserId }),
    occurredAt: readClock(body),
    ...(body.optionalFlag('sandboxMode') === true && { sandbox: true }),
  };
}

// ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const ANSWER_SUBPATH = /^(?:sandbox\/)?applicants\/(.+)\/status$/s;

/** Only a completed review is dated; of any other status the answer tells nothing but that it is so now. */
function parseAnswer({
  rawBody,
  subpath,
}: Pick<StatusAnswer, 'subpath' | 'rawBody'>): Message<Notification> {
  const [, subjectRef] = ANSWER_SUBPATH.exec(subpath) ?? [];
  if (subjectRef === undefined) throw new PayloadError('subpath', 'that of an applicant');
  const body = readJson(rawBody);
  const word = body.word('reviewStatus');
  const level = body.word('levelName');
  const occurredAt = word === 'completed' ? reviewDate(body) : undefined;
  const applicant: Applicant = {
    subjectRef,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(subpath.startsWith(SANDBOX_SUBPATH) && { sandbox: true }),
  };
  return {
    eventType: 'applicants/status',
    duplicateKey: [subjectRef, level, word, occurredAt ?? ''],
    payload: { applicant, news: readState(word, level, body) },
  };
}

/**
 * In whole seconds, while webhooks have milliseconds. A review can be begun and completed within one, and the answer tells
 * how it stood after all of that: so it stands at the end of its second.
 */
function reviewDate(body: JsonBody): Instant | undefined {
  if (!body.has('reviewDate')) return undefined;
  const instant = body.instant('reviewDate', { zoneless: 'UTC' });
  return instant.replace('.000000000Z', '.999999999Z');
}

function readState(word: string, level: string, body: JsonBody): News {
  const at = { level, levelKind: 'LEVEL' } as const;
  if (word === 'completed') return { about: 'RESULT', at, review: readReview(body) };
  if (word === 'init') return { about: 'BEGINNING', level };
  const status = lookUp(STATUS_BY_WORD, word);
  if (!status) throw new UnmappedStatusError('reviewStatus');
  return { about: 'PROGRESS', at, open: { status, word } };
}

/** An applicant comes back to the beginning by a reset alone, which voids what was approved. */
function toBeginning(applicant: Applicant, level: string): NonEmpty<VerificationEvent> {
  const at = { ...applicant, level, levelKind: 'LEVEL', providerStatus: 'init' } as const;
  return [
    { type: 'UNVERIFIED', ...at },
    { type: 'STATUS', ...at, status: 'PENDING' },
  ];
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function readClock(body: JsonBody): Instant {
  return body.instant(clockOf(body), { zoneless: 'UTC' });
}

/** The field with milliseconds, else the one with whole seconds that some messages have beside it. */
function clockOf(body: JsonBody): 'createdAtMs' | 'createdAt' {
  return !body.has('createdAtMs') && body.has('createdAt') ? 'createdAt' : 'createdAtMs';
}

/** @throws {UnmappedStatusError} for a review that is not completed, or an answer that is neither of the two. */
function toResult(
  review: Review | undefined,
): Pick<StatusEvent, 'status' | 'providerStatus' | 'retryable' | 'reasons'> {
  if (!review) throw new UnmappedStatusError('reviewStatus');
  const status = lookUp<AttemptStatus>(STATUS_BY_ANSWER, review.answer);
  if (!status) throw new UnmappedStatusError('reviewResult.reviewAnswer');
  if (status === 'APPROVED') return { status, providerStatus: 'completed/GREEN' };

  // A reject type that we don't know leaves open whether the user may try again; that they were rejected is certain.
  const { rejectType } = review;
  const retryable = lookUp(RETRYABLE_BY_REJECT_TYPE, rejectType ?? '');
  const reasons = toReasons(review.labels, review.comment);
  return {
    status,
    providerStatus: rejectType === undefined ? 'completed/RED' : `completed/RED/${rejectType}`,
    ...(retryable !== undefined && { retryable }),
    ...(reasons.length > 0 && { reasons }),
  };
}

function toLevelChange(
  applicant: Applicant,
  level: string,
  previousLevel: string | undefined,
): NonEmpty<VerificationEvent> {
  const begun = {
    type: 'STATUS',
    ...applicant,
    level,
    levelKind: 'LEVEL',
    status: 'PENDING',
    providerStatus: 'init',
  } as const;
  if (previousLevel === undefined || previousLevel === level) return [begun];
  const left = {
    type: 'WITHDRAWN',
    ...applicant,
    level: previousLevel,
    levelKind: 'LEVEL',
    providerStatus: 'applicantLevelChanged',
  } as const;
  return [left, begun];
}
