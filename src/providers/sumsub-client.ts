/**
 * Asks Sumsub for the review status of an applicant.
 *
 * Proof: `X-App-Token`, and `X-App-Access-Sig`, the hex HMAC-SHA-256 of time, method, path and body, with the time in
 * `X-App-Access-Ts`; Sumsub refuses a time more than a minute off.
 *
 * @see https://docs.sumsub.com (Get applicant review status; Authentication; as of 2025)
 */

import { askApi } from './kit/api';
import { hmac } from './kit/hmac';
import type { FetchStatus } from './provider';

export interface SumsubApi {
  /** Its beginning, `sbx:` or `prd:`, says of which environment it is. */
  readonly appToken: string;
  readonly secretKey: string;
  /** `https://api.sumsub.com` */
  readonly origin: string;
}

/** The environment is part of what is kept of the question: the answer does not tell it. */
export const SANDBOX_SUBPATH = 'sandbox/';

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
