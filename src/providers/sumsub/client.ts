/**
 * Client of the Sumsub API: requests the review status of an applicant or of one applicant action, and parses the response.
 *
 * Authentication: `X-App-Token`, and `X-App-Access-Sig`, the hex HMAC-SHA-256 of time, method, path and body, with the time in
 * `X-App-Access-Ts`. Sumsub rejects a time that differs by more than one minute.
 *
 * @see https://docs.sumsub.com (Get applicant review status; Get action information; Authentication; as of 2026)
 */

import { PayloadError, UnmappedStatusError } from '../../domain/errors';
import type { Instant } from '../../domain/instant';
import type { AttemptStatus } from '../../domain/status';
import { hmac } from '../kit/hmac';
import { requestApi } from '../kit/http-client';
import { type JsonBody, lookUp, readJson } from '../kit/json';
import type { FetchStatus, Message, StatusResponse } from '../provider';
import {
  type Applicant,
  type MappedStatus,
  type Notification,
  readExplanation,
  readReview,
  type SumsubEvent,
} from './events';
import type { Explanation } from './reasons';

export interface SumsubApi {
  /** The prefix, `sbx:` or `prd:`, is the environment. */
  readonly appToken: string;
  readonly secretKey: string;
  /** For example `https://api.sumsub.com`. */
  readonly origin: string;
}

/** Prefix of the stored subpath for sandbox requests. The response does not contain the environment. */
const SANDBOX_SUBPATH = 'sandbox/';

export function createSumsubClient({ appToken, secretKey, origin }: SumsubApi): FetchStatus {
  return async ({ subjectRef, actionRef = null, sandbox }, { now, signal }) => {
    const path =
      actionRef === null
        ? `/resources/applicants/${encodeURIComponent(subjectRef)}/status`
        : `/resources/applicantActions/${encodeURIComponent(actionRef)}/one`;
    const time = String(Math.floor(now.getTime() / 1000));
    const headers = {
      'X-App-Token': appToken,
      'X-App-Access-Ts': time,
      'X-App-Access-Sig': signCall(secretKey, time, path),
    };
    const rawBody = await requestApi({ origin, path, headers, signal });
    if (rawBody === undefined) return undefined;
    // A sandbox token returns only sandbox data, regardless of the stored applicant.
    const isSandbox = sandbox || appToken.startsWith('sbx:');
    const resource =
      actionRef === null
        ? `applicants/${subjectRef}/status`
        : `applicantActions/${encodeURIComponent(actionRef)}/of/${encodeURIComponent(subjectRef)}`;
    return { subpath: `${isSandbox ? SANDBOX_SUBPATH : ''}${resource}`, rawBody };
  };
}

function signCall(secretKey: string, time: string, path: string): string {
  return hmac('sha256', secretKey, Buffer.from(`${time}GET${path}`)).toString('hex');
}

// ── Responses ───────────────────────────────────────────────────────────────────────────────────────────────────────

const APPLICANT_SUBPATH = /^(?:sandbox\/)?applicants\/(.+)\/status$/s;
const ACTION_SUBPATH = /^(?:sandbox\/)?applicantActions\/([^/]+)\/of\/([^/]+)$/;

/** Statuses by `reviewStatus`, except `init`, which starts an attempt, and `completed`, which has a result. */
const STATUS_BY_REVIEW_STATUS: Readonly<Record<string, AttemptStatus>> = {
  pending: 'IN_PROGRESS',
  prechecked: 'IN_PROGRESS',
  queued: 'IN_PROGRESS',
  awaitingService: 'IN_PROGRESS',
  awaitingUser: 'ACTION_REQUIRED',
  onHold: 'IN_REVIEW',
};

/** Parses a status response. Only a completed review has a date. Any other status is the current one. */
export function parseStatusResponse({
  rawBody,
  subpath,
}: Pick<StatusResponse, 'subpath' | 'rawBody'>): Message<Notification> {
  const [, actionRef, applicantRef] = ACTION_SUBPATH.exec(subpath) ?? [];
  if (actionRef !== undefined && applicantRef !== undefined) {
    const requested = [actionRef, applicantRef].map(decodeURIComponent);
    return parseActionResponse(readJson(rawBody), requested, subpath.startsWith(SANDBOX_SUBPATH));
  }
  const [, subjectRef] = APPLICANT_SUBPATH.exec(subpath) ?? [];
  if (subjectRef === undefined)
    throw new PayloadError('subpath', 'the subpath of an applicant or an applicant action');
  const body = readJson(rawBody);
  const reviewStatus = body.name('reviewStatus');
  const level = body.name('levelName');
  const occurredAt = reviewStatus === 'completed' ? reviewDate(body, 'reviewDate') : undefined;
  const applicant: Applicant = {
    subjectRef,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(subpath.startsWith(SANDBOX_SUBPATH) && { sandbox: true }),
  };
  return {
    eventType: 'applicants/status',
    duplicateKey: [subjectRef, level, reviewStatus, occurredAt ?? ''],
    payload: { applicant, event: readState(reviewStatus, level, body) },
  };
}

/**
 * Reads a review date. The API has whole seconds, webhooks have milliseconds. A review can start and complete within one second, and
 * the response is the state after that. The date is therefore the end of its second.
 */
function reviewDate(body: JsonBody, path: string): Instant | undefined {
  if (!body.has(path)) return undefined;
  const instant = body.instant(path, { zoneless: 'UTC' });
  return instant.replace('.000000000Z', '.999999999Z');
}

/** Parses the response about an action. Ignores the personal data in it. */
function parseActionResponse(
  body: JsonBody,
  [actionRef = '', subjectRef = '']: readonly string[],
  sandbox: boolean,
): Message<Notification> {
  if (body.id('id') !== actionRef) throw new PayloadError('id', 'the requested ID');
  if (body.id('applicantId') !== subjectRef) {
    throw new PayloadError('applicantId', 'the requested ID');
  }
  const reviewStatus = body.name('review.reviewStatus');
  const level = body.name('review.levelName');
  const target = { level, levelKind: 'ACTION', attemptRef: actionRef } as const;
  const occurredAt =
    reviewStatus === 'completed' ? reviewDate(body, 'review.reviewDate') : undefined;
  const applicant: Applicant = {
    subjectRef,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(sandbox && { sandbox: true }),
  };
  const event: SumsubEvent =
    reviewStatus === 'completed'
      ? { kind: 'RESULT', target, review: readReview(body, 'review.') }
      : { kind: 'PROGRESS', target, ...readProgress(reviewStatus, body, 'review.') };
  return {
    eventType: 'applicantActions/one',
    duplicateKey: [subjectRef, actionRef, reviewStatus, occurredAt ?? ''],
    payload: { applicant, event },
  };
}

function readState(reviewStatus: string, level: string, body: JsonBody): SumsubEvent {
  const target = { level, levelKind: 'LEVEL' } as const;
  if (reviewStatus === 'completed') return { kind: 'RESULT', target, review: readReview(body) };
  if (reviewStatus === 'init') return { kind: 'INITIAL', level };
  return { kind: 'PROGRESS', target, ...readProgress(reviewStatus, body) };
}

function readProgress(
  reviewStatus: string,
  body: JsonBody,
  prefix = '',
): { readonly mapped: MappedStatus; readonly explanation: Explanation | undefined } {
  const status =
    reviewStatus === 'init' ? 'PENDING' : lookUp(STATUS_BY_REVIEW_STATUS, reviewStatus);
  if (!status) throw new UnmappedStatusError(`${prefix}reviewStatus`);
  const explanation = status === 'IN_REVIEW' ? readExplanation(body, prefix) : undefined;
  return { mapped: { status, providerStatus: reviewStatus }, explanation };
}
