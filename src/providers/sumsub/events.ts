/** Contents of Sumsub webhooks and status responses, and their conversion to domain events. */

import { UnmappedStatusError } from '../../domain/errors';
import type { AccountState, StatusEvent, VerificationEvent } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { AttemptStatus } from '../../domain/status';
import type { JsonBody } from '../kit/json';
import { lookUp } from '../kit/json';
import type { NonEmpty } from '../provider';
import { type Explanation, toReasons } from './reasons';

export interface Notification {
  readonly applicant: Applicant;
  readonly event: SumsubEvent;
}

export interface Applicant {
  readonly subjectRef: string;
  readonly externalUserId?: string;
  /** Absent if a status response does not date the status. */
  readonly occurredAt?: Instant;
  readonly sandbox?: true;
  readonly kind?: 'COMPANY';
}

export type SumsubEvent =
  | {
      readonly kind: 'PROGRESS';
      readonly target: AttemptTarget;
      readonly mapped: MappedStatus;
      /** Reason of a manual review. */
      readonly explanation?: Explanation | undefined;
    }
  | { readonly kind: 'RESULT'; readonly target: AttemptTarget; readonly review: Review | undefined }
  | { readonly kind: 'INITIAL'; readonly level: string }
  | { readonly kind: 'RESET'; readonly level: string }
  | { readonly kind: 'REOPENED'; readonly level: string; readonly mapped: MappedStatus }
  | {
      readonly kind: 'LEVEL_CHANGE';
      readonly level: string;
      readonly previousLevel: string | undefined;
    }
  | { readonly kind: 'ACCOUNT'; readonly state: AccountState };

/** The person at a level, or one action of the person (for example a payment method). Actions do not affect the user's status. */
export type AttemptTarget =
  | { readonly level: string; readonly levelKind: 'LEVEL' }
  | { readonly level: string; readonly levelKind: 'ACTION'; readonly attemptRef: string };

/** Status with Sumsub's name of it. */
export interface MappedStatus {
  readonly status: AttemptStatus;
  readonly providerStatus: string;
}

export function toEvents({ applicant, event }: Notification): NonEmpty<VerificationEvent> {
  switch (event.kind) {
    case 'PROGRESS': {
      const { status, providerStatus } = event.mapped;
      const reasons = toReasons(event.explanation);
      return [
        {
          type: 'STATUS',
          ...applicant,
          ...event.target,
          status,
          providerStatus,
          ...(reasons.length > 0 && { reasons }),
        },
      ];
    }
    case 'RESULT':
      return [{ type: 'STATUS', ...applicant, ...event.target, ...toResult(event.review) }];
    case 'INITIAL':
      return toReopening(applicant, event.level, {
        status: 'PENDING',
        providerStatus: 'init',
      });
    case 'REOPENED':
      return toReopening(applicant, event.level, event.mapped);
    case 'RESET':
      return [
        {
          type: 'RESET',
          ...applicant,
          level: event.level,
          levelKind: 'LEVEL',
          providerStatus: 'init',
        },
      ];
    case 'LEVEL_CHANGE':
      return toLevelChange(applicant, event.level, event.previousLevel);
    case 'ACCOUNT':
      return [{ type: 'ACCOUNT', ...applicant, state: event.state }];
  }
}

/** Voids an approval of the level. Sets the status of the open attempt, or opens a new attempt after a decision. */
function toReopening(
  applicant: Applicant,
  level: string,
  { status, providerStatus }: MappedStatus,
): NonEmpty<VerificationEvent> {
  const common = { ...applicant, level, levelKind: 'LEVEL', providerStatus } as const;
  return [
    { type: 'UNVERIFIED', ...common },
    { type: 'STATUS', ...common, status },
  ];
}

function toLevelChange(
  applicant: Applicant,
  level: string,
  previousLevel: string | undefined,
): NonEmpty<VerificationEvent> {
  const started = {
    type: 'STATUS',
    ...applicant,
    level,
    levelKind: 'LEVEL',
    status: 'PENDING',
    providerStatus: 'init',
  } as const;
  if (previousLevel === undefined || previousLevel === level) return [started];
  const withdrawn = {
    type: 'WITHDRAWN',
    ...applicant,
    level: previousLevel,
    levelKind: 'LEVEL',
    providerStatus: 'applicantLevelChanged',
  } as const;
  return [withdrawn, started];
}

// ── Reviews ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Review extends Explanation {
  readonly answer: string;
  readonly rejectType: string | undefined;
}

/** Reads the labels and the comment of any review result. */
export function readExplanation(body: JsonBody, prefix = ''): Explanation {
  return {
    labels: body.strings(`${prefix}reviewResult.rejectLabels`),
    // `clientComment` is only for the customer's staff and is not stored.
    comment: body.optionalString(`${prefix}reviewResult.moderationComment`),
  };
}

/**
 * Reads the result of a completed review.
 *
 * @param prefix - Path prefix if the review is not at the top of the body.
 * @returns Undefined unless the review is completed. Earlier results are outdated or about a single step.
 */
export function readReview(body: JsonBody, prefix = ''): Review | undefined {
  if (body.name(`${prefix}reviewStatus`) !== 'completed') return undefined;
  return {
    answer: body.name(`${prefix}reviewResult.reviewAnswer`),
    rejectType: body.optionalName(`${prefix}reviewResult.reviewRejectType`),
    ...readExplanation(body, prefix),
  };
}

const STATUS_BY_ANSWER = {
  GREEN: 'APPROVED',
  RED: 'REJECTED',
} as const satisfies Record<string, AttemptStatus>;

const RETRYABLE_BY_REJECT_TYPE: Readonly<Record<string, boolean>> = { RETRY: true, FINAL: false };

/** Converts a review. @throws {UnmappedStatusError} If the review is not completed or the answer is unknown. */
function toResult(
  review: Review | undefined,
): Pick<StatusEvent, 'status' | 'providerStatus' | 'retryable' | 'reasons'> {
  if (!review) throw new UnmappedStatusError('reviewStatus');
  const status = lookUp<AttemptStatus>(STATUS_BY_ANSWER, review.answer);
  if (!status) throw new UnmappedStatusError('reviewResult.reviewAnswer');
  if (status === 'APPROVED') return { status, providerStatus: 'completed/GREEN' };

  // An unknown reject type does not determine whether the user may retry, but the rejection is certain.
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
