/**
 * Parser of Sumsub webhooks.
 *
 * The type decides first, then `reviewStatus`. `reviewResult` counts only if the review is completed: other messages repeat the
 * result of an earlier review, so that a reset arrives with a stale GREEN.
 */

import { PayloadError, UnmappedStatusError } from '../../domain/errors';
import type { AccountState } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { JsonBody } from '../kit/json';
import { lookUp } from '../kit/json';
import {
  type Applicant,
  type AttemptTarget,
  type MappedStatus,
  readExplanation,
  readReview,
  type SumsubEvent,
} from './events';

/** Types that determine the status, with Sumsub's name of it. The `reviewStatus` of these messages is not reliable. */
const STATUS_BY_TYPE: Readonly<Record<string, MappedStatus>> = {
  applicantCreated: { status: 'PENDING', providerStatus: 'init' },
  applicantPending: { status: 'IN_PROGRESS', providerStatus: 'pending' },
  applicantPrechecked: { status: 'IN_PROGRESS', providerStatus: 'queued' },
  applicantOnHold: { status: 'IN_REVIEW', providerStatus: 'onHold' },
  applicantAwaitingService: { status: 'IN_PROGRESS', providerStatus: 'awaitingService' },
  applicantAwaitingUser: { status: 'ACTION_REQUIRED', providerStatus: 'awaitingUser' },
  applicantActionPending: { status: 'IN_PROGRESS', providerStatus: 'pending' },
  applicantActionOnHold: { status: 'IN_REVIEW', providerStatus: 'onHold' },
};

/** Types with a result. `applicantWorkflowCompleted` usually follows `applicantReviewed` with the same result. */
const RESULT_TYPES: ReadonlySet<string> = new Set([
  'applicantReviewed',
  'applicantWorkflowCompleted',
  'applicantActionReviewed',
]);

/** Known types that do not affect a verification: profile, tags, links. */
const UNTRACKED_TYPES: ReadonlySet<string> = new Set([
  'applicantActionLevelChanged',
  'applicantPersonalDataDeleted', // handled by `findErasedIdentity`
  'applicantPersonalInfoChanged',
  'applicantTagsChanged',
  'applicantVerificationLinkOpened',
]);

/** Prefixes of known types that do not affect a verification: cases, transactions, video calls. */
const UNTRACKED_PREFIXES = [
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

export function isUntracked(type: string): boolean {
  return UNTRACKED_TYPES.has(type) || UNTRACKED_PREFIXES.some((prefix) => type.startsWith(prefix));
}

/** Parses the event of a tracked type. Returns undefined for any other type. */
export function readEvent(type: string, body: JsonBody): SumsubEvent | undefined {
  const mapped = lookUp(STATUS_BY_TYPE, type);
  if (mapped) {
    const explanation = mapped.status === 'IN_REVIEW' ? readExplanation(body) : undefined;
    return { kind: 'PROGRESS', target: readTarget(type, body), mapped, explanation };
  }
  if (RESULT_TYPES.has(type)) {
    return { kind: 'RESULT', target: readTarget(type, body), review: readReview(body) };
  }
  if (type === 'applicantWorkflowFailed') return readWorkflowFailure(type, body);
  if (type === 'applicantStepsReset') {
    return {
      kind: 'REOPENED',
      level: body.name('levelName'),
      mapped: { status: 'ACTION_REQUIRED', providerStatus: type },
    };
  }
  if (type === 'applicantReset') return { kind: 'RESET', level: body.name('levelName') };
  if (type === 'applicantLevelChanged') {
    const level = body.name('levelName');
    return { kind: 'LEVEL_CHANGE', level, previousLevel: body.optionalName('previousLevelName') };
  }
  const state = lookUp<AccountState>(ACCOUNT_STATE_BY_TYPE, type);
  return state && { kind: 'ACCOUNT', state };
}

/** A workflow fails with a final result, or because its run failed. Then a person at Sumsub decides. */
function readWorkflowFailure(type: string, body: JsonBody): SumsubEvent {
  const level = body.name('levelName');
  const isCompleted = body.optionalName('reviewStatus') === 'completed';
  if (isCompleted && body.has('reviewResult.reviewAnswer')) {
    const review = readReview(body);
    // A failed workflow never approves, so an approval in the same message is a contradiction.
    if (review?.answer === 'GREEN') throw new UnmappedStatusError('reviewResult.reviewAnswer');
    return { kind: 'RESULT', target: { level, levelKind: 'LEVEL' }, review };
  }
  return { kind: 'REOPENED', level, mapped: { status: 'IN_REVIEW', providerStatus: type } };
}

function readTarget(type: string, body: JsonBody): AttemptTarget {
  const level = body.name('levelName');
  return type.startsWith('applicantAction')
    ? { level, levelKind: 'ACTION', attemptRef: body.id('applicantActionId') }
    : { level, levelKind: 'LEVEL' };
}

export function readApplicant(body: JsonBody): Applicant {
  const externalUserId = body.optionalId('externalUserId');
  return {
    subjectRef: body.id('applicantId'),
    ...(externalUserId !== undefined && { externalUserId }),
    occurredAt: readTimestamp(body),
    ...(isCompany(body) && { kind: 'COMPANY' }),
    ...(isSandbox(body) && { sandbox: true }),
  };
}

/** Throws for types other than `individual` and `company`, because the verified entity is then unknown. */
function isCompany(body: JsonBody): boolean {
  const type = body.optionalName('applicantType')?.toLowerCase();
  if (type !== undefined && type !== 'individual' && type !== 'company') {
    throw new PayloadError('applicantType', '`individual` or `company`');
  }
  return type === 'company';
}

/** Webhooks that are sent manually from Sumsub's dashboard have `testMode`. The type of its value is undocumented. */
export function isSandbox(body: JsonBody): boolean {
  if (body.optionalFlag('sandboxMode') === true) return true;
  return body.has('testMode') && !body.isFalse('testMode');
}

export function readTimestamp(body: JsonBody): Instant {
  return body.instant(timestampField(body), { zoneless: 'UTC' });
}

/** Returns the field with milliseconds, or if it is absent the field with whole seconds that some messages have. */
export function timestampField(body: JsonBody): 'createdAtMs' | 'createdAt' {
  return !body.has('createdAtMs') && body.has('createdAt') ? 'createdAt' : 'createdAtMs';
}
