/**
 * Asks Sumsub for the review status of an applicant or of one applicant action, and reads the answer.
 *
 * Proof: `X-App-Token`, and `X-App-Access-Sig`, the hex HMAC-SHA-256 of time, method, path and body, with the time in
 * `X-App-Access-Ts`; Sumsub refuses a time more than a minute off.
 *
 * @see https://docs.sumsub.com (Get applicant review status; Get action information; Authentication; as of 2026)
 */

import { PayloadError, UnmappedStatusError } from '../../domain/errors';
import type { Instant } from '../../domain/instant';
import type { AttemptStatus } from '../../domain/status';
import { requestApi } from '../kit/api';
import { hmac } from '../kit/hmac';
import { type JsonBody, readJson } from '../kit/json';
import { lookUp } from '../kit/look-up';
import type { FetchStatus, Message, StatusResponse } from '../provider';
import {
  type Applicant,
  type Notification,
  type OpenWord,
  readExplanation,
  readReview,
  type SumsubEvent,
} from './events';
import type { Explanation } from './reasons';

export interface SumsubApi {
  /** Its beginning, `sbx:` or `prd:`, says of which environment it is. */
  readonly appToken: string;
  readonly secretKey: string;
  /** `https://api.sumsub.com` */
  readonly origin: string;
}

/** The environment is part of what is kept of the question: the answer does not tell it. */
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
    // A test token never speaks of the live environment, whatever we took the applicant for.
    const tested = sandbox || appToken.startsWith('sbx:');
    const question =
      actionRef === null
        ? `applicants/${subjectRef}/status`
        : `applicantActions/${encodeURIComponent(actionRef)}/of/${encodeURIComponent(subjectRef)}`;
    return { subpath: `${tested ? SANDBOX_SUBPATH : ''}${question}`, rawBody };
  };
}

function signCall(secretKey: string, time: string, path: string): string {
  return hmac('sha256', secretKey, Buffer.from(`${time}GET${path}`)).toString('hex');
}

// ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const ANSWER_SUBPATH = /^(?:sandbox\/)?applicants\/(.+)\/status$/s;
const ACTION_SUBPATH = /^(?:sandbox\/)?applicantActions\/([^/]+)\/of\/([^/]+)$/;

/** `reviewStatus` of an answer, apart from `init`, where all begins, and `completed`, which has a result beside it. */
const STATUS_BY_WORD: Readonly<Record<string, AttemptStatus>> = {
  pending: 'IN_PROGRESS',
  prechecked: 'IN_PROGRESS',
  queued: 'IN_PROGRESS',
  awaitingService: 'IN_PROGRESS',
  awaitingUser: 'ACTION_REQUIRED',
  onHold: 'IN_REVIEW',
};

/** Only a completed review is dated; of any other status the answer tells nothing but that it is so now. */
export function parseStatusResponse({
  rawBody,
  subpath,
}: Pick<StatusResponse, 'subpath' | 'rawBody'>): Message<Notification> {
  const [, actionRef, applicantRef] = ACTION_SUBPATH.exec(subpath) ?? [];
  if (actionRef !== undefined && applicantRef !== undefined) {
    const asked = [actionRef, applicantRef].map(decodeURIComponent);
    return parseActionAnswer(readJson(rawBody), asked, subpath.startsWith(SANDBOX_SUBPATH));
  }
  const [, subjectRef] = ANSWER_SUBPATH.exec(subpath) ?? [];
  if (subjectRef === undefined) throw new PayloadError('subpath', 'that of an applicant');
  const body = readJson(rawBody);
  const word = body.word('reviewStatus');
  const level = body.word('levelName');
  const occurredAt = word === 'completed' ? reviewDate(body, 'reviewDate') : undefined;
  const applicant: Applicant = {
    subjectRef,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(subpath.startsWith(SANDBOX_SUBPATH) && { sandbox: true }),
  };
  return {
    eventType: 'applicants/status',
    duplicateKey: [subjectRef, level, word, occurredAt ?? ''],
    payload: { applicant, event: readState(word, level, body) },
  };
}

/**
 * In whole seconds, while webhooks have milliseconds. A review can be begun and completed within one, and the answer tells
 * how it stood after all of that: so it stands at the end of its second.
 */
function reviewDate(body: JsonBody, path: string): Instant | undefined {
  if (!body.has(path)) return undefined;
  const instant = body.instant(path, { zoneless: 'UTC' });
  return instant.replace('.000000000Z', '.999999999Z');
}

/** Beside the review it holds personal data, none of which is read. */
function parseActionAnswer(
  body: JsonBody,
  [actionRef = '', subjectRef = '']: readonly string[],
  sandbox: boolean,
): Message<Notification> {
  if (body.id('id') !== actionRef) throw new PayloadError('id', 'the one that was asked about');
  if (body.id('applicantId') !== subjectRef) {
    throw new PayloadError('applicantId', 'the one that was asked about');
  }
  const word = body.word('review.reviewStatus');
  const level = body.word('review.levelName');
  const at = { level, levelKind: 'ACTION', attemptRef: actionRef } as const;
  const occurredAt = word === 'completed' ? reviewDate(body, 'review.reviewDate') : undefined;
  const applicant: Applicant = {
    subjectRef,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(sandbox && { sandbox: true }),
  };
  const news: SumsubEvent =
    word === 'completed'
      ? { about: 'RESULT', at, review: readReview(body, 'review.') }
      : { about: 'PROGRESS', at, ...readProgress(word, body, 'review.') };
  return {
    eventType: 'applicantActions/one',
    duplicateKey: [subjectRef, actionRef, word, occurredAt ?? ''],
    payload: { applicant, event: news },
  };
}

function readState(word: string, level: string, body: JsonBody): SumsubEvent {
  const at = { level, levelKind: 'LEVEL' } as const;
  if (word === 'completed') return { about: 'RESULT', at, review: readReview(body) };
  if (word === 'init') return { about: 'BEGINNING', level };
  return { about: 'PROGRESS', at, ...readProgress(word, body) };
}

function readProgress(
  word: string,
  body: JsonBody,
  prefix = '',
): { readonly open: OpenWord; readonly explanation: Explanation | undefined } {
  const status = word === 'init' ? 'PENDING' : lookUp(STATUS_BY_WORD, word);
  if (!status) throw new UnmappedStatusError(`${prefix}reviewStatus`);
  const explanation = status === 'IN_REVIEW' ? readExplanation(body, prefix) : undefined;
  return { open: { status, word }, explanation };
}
