/** What Sumsub tells, be it in a webhook or in an answer, and what that is in our words. */

import { UnmappedStatusError } from '../../domain/errors';
import type { AccountState, StatusEvent, VerificationEvent } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { AttemptStatus } from '../../domain/status';
import type { JsonBody } from '../kit/json';
import { lookUp } from '../kit/look-up';
import type { NonEmpty } from '../provider';
import { type Explanation, toReasons } from './reasons';

export interface Notification {
  readonly applicant: Applicant;
  readonly event: SumsubEvent;
}

export interface Applicant {
  readonly subjectRef: string;
  readonly externalUserId?: string;
  /** Absent where an answer tells a state without its beginning. */
  readonly occurredAt?: Instant;
  readonly sandbox?: true;
  readonly kind?: 'COMPANY';
}

export type SumsubEvent =
  | {
      readonly about: 'PROGRESS';
      readonly at: Target;
      readonly open: OpenWord;
      /** Why a person looks at it. */
      readonly explanation?: Explanation | undefined;
    }
  | { readonly about: 'RESULT'; readonly at: Target; readonly review: Review | undefined }
  | { readonly about: 'BEGINNING'; readonly level: string }
  | { readonly about: 'RESET'; readonly level: string }
  | { readonly about: 'REOPENING'; readonly level: string; readonly open: OpenWord }
  | {
      readonly about: 'LEVEL_CHANGE';
      readonly level: string;
      readonly previousLevel: string | undefined;
    }
  | { readonly about: 'ACCOUNT'; readonly state: AccountState };

/** What is verified: the person at a level, or one action of theirs (a payment method, say), which never counts. */
export type Target =
  | { readonly level: string; readonly levelKind: 'LEVEL' }
  | { readonly level: string; readonly levelKind: 'ACTION'; readonly attemptRef: string };

export interface OpenWord {
  readonly status: AttemptStatus;
  readonly word: string;
}

export function toEvents({ applicant, event: news }: Notification): NonEmpty<VerificationEvent> {
  switch (news.about) {
    case 'PROGRESS': {
      const { status, word } = news.open;
      const reasons = toReasons(news.explanation);
      return [
        {
          type: 'STATUS',
          ...applicant,
          ...news.at,
          status,
          providerStatus: word,
          ...(reasons.length > 0 && { reasons }),
        },
      ];
    }
    case 'RESULT':
      return [{ type: 'STATUS', ...applicant, ...news.at, ...toResult(news.review) }];
    case 'BEGINNING':
      return toReopening(applicant, news.level, { status: 'PENDING', word: 'init' });
    case 'REOPENING':
      return toReopening(applicant, news.level, news.open);
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
}

/** Voids an approval of the level. An open attempt goes on with the status; after a decision another one opens with it. */
function toReopening(
  applicant: Applicant,
  level: string,
  { status, word }: OpenWord,
): NonEmpty<VerificationEvent> {
  const at = { ...applicant, level, levelKind: 'LEVEL', providerStatus: word } as const;
  return [
    { type: 'UNVERIFIED', ...at },
    { type: 'STATUS', ...at, status },
  ];
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

// ── Reviews ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Review extends Explanation {
  readonly answer: string;
  readonly rejectType: string | undefined;
}

/** Whatever verdict it is given with. */
export function readExplanation(body: JsonBody, prefix = ''): Explanation {
  return {
    labels: body.strings(`${prefix}reviewResult.rejectLabels`),
    // `clientComment` is for our customer's staff alone and goes no further.
    comment: body.optionalString(`${prefix}reviewResult.moderationComment`),
  };
}

/**
 * @param prefix - Of the paths, where the review is not at the top of the body.
 * @returns `undefined` unless the review is completed: before that, a result is an old one or of one step alone.
 */
export function readReview(body: JsonBody, prefix = ''): Review | undefined {
  if (body.word(`${prefix}reviewStatus`) !== 'completed') return undefined;
  return {
    answer: body.word(`${prefix}reviewResult.reviewAnswer`),
    rejectType: body.optionalWord(`${prefix}reviewResult.reviewRejectType`),
    ...readExplanation(body, prefix),
  };
}

const STATUS_BY_ANSWER = {
  GREEN: 'APPROVED',
  RED: 'REJECTED',
} as const satisfies Record<string, AttemptStatus>;

const RETRYABLE_BY_REJECT_TYPE: Readonly<Record<string, boolean>> = { RETRY: true, FINAL: false };

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
  const reasons = toReasons(review);
  return {
    status,
    providerStatus: rejectType === undefined ? 'completed/RED' : `completed/RED/${rejectType}`,
    ...(retryable !== undefined && { retryable }),
    ...(reasons.length > 0 && { reasons }),
  };
}
