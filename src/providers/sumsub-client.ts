/**
 * Asks Sumsub for the review status of an applicant, and reads the answer.
 *
 * Proof: `X-App-Token`, and `X-App-Access-Sig`, the hex HMAC-SHA-256 of time, method, path and body, with the time in
 * `X-App-Access-Ts`; Sumsub refuses a time more than a minute off.
 *
 * @see https://docs.sumsub.com (Get applicant review status; Authentication; as of 2025)
 */

import { PayloadError, UnmappedStatusError } from '../domain/errors';
import type { Instant } from '../domain/instant';
import type { AttemptStatus } from '../domain/status';
import { askApi } from './kit/api';
import { hmac } from './kit/hmac';
import { type JsonBody, readJson } from './kit/json';
import { lookUp } from './kit/look-up';
import type { FetchStatus, Message, StatusAnswer } from './provider';
import {
  type Applicant,
  type News,
  type Notification,
  readExplanation,
  readReview,
} from './sumsub-news';

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
  return async ({ subjectRef, sandbox }, { now, signal }) => {
    const path = `/resources/applicants/${encodeURIComponent(subjectRef)}/status`;
    const time = String(Math.floor(now.getTime() / 1000));
    const headers = {
      'X-App-Token': appToken,
      'X-App-Access-Ts': time,
      'X-App-Access-Sig': signCall(secretKey, time, path),
    };
    const rawBody = await askApi({ origin, path, headers, signal });
    if (rawBody === undefined) return undefined;
    // A test token never speaks of the live environment, whatever we took the applicant for.
    const tested = sandbox || appToken.startsWith('sbx:');
    return { subpath: `${tested ? SANDBOX_SUBPATH : ''}applicants/${subjectRef}/status`, rawBody };
  };
}

function signCall(secretKey: string, time: string, path: string): string {
  return hmac('sha256', secretKey, Buffer.from(`${time}GET${path}`)).toString('hex');
}

// ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const ANSWER_SUBPATH = /^(?:sandbox\/)?applicants\/(.+)\/status$/s;

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
export function parseAnswer({
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
  const explanation = status === 'IN_REVIEW' ? readExplanation(body) : undefined;
  return { about: 'PROGRESS', at, open: { status, word }, explanation };
}
