/** The one place where an error becomes an HTTP answer. */

import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { type ErrorCode, GatewayError, RateLimitedError } from '../domain/errors';
import { SlowBodyError } from './body';
import type { Reply } from './reply';

/** By what a retry would do: 4xx needs another request, 503 the same one later. */
const STATUS: Record<ErrorCode, number> = {
  BODY_TOO_LARGE: 413,
  BODY_UNREADABLE: 400,
  CONFIG_INVALID: 500,
  CURSOR_EXPIRED: 410,
  CURSOR_INVALID: 400,
  FORBIDDEN: 403,
  FUTURE_DATED: 400,
  INPUT_INVALID: 400,
  INTERNAL: 500,
  METHOD_NOT_ALLOWED: 405,
  NOT_FOUND: 404,
  PAYLOAD_INVALID: 400,
  PERSISTED_QUERY_NOT_FOUND: 400,
  PROVIDER_UNKNOWN: 404,
  RATE_LIMITED: 429,
  REASON_REQUIRED: 400,
  SIGNATURE_INVALID: 401,
  STATUS_UNMAPPED: 400,
  STORE_UNAVAILABLE: 503,
  TOO_MANY_SUBSCRIPTIONS: 429,
  TYPE_UNKNOWN: 400,
  UNAUTHENTICATED: 401,
  UNAVAILABLE: 503,
  UNSUPPORTED_MEDIA_TYPE: 415,
  VENDOR_FAILED: 502,
};

const HEADERS: Partial<Record<ErrorCode, OutgoingHttpHeaders>> = {
  STORE_UNAVAILABLE: { 'retry-after': '5' },
  TOO_MANY_SUBSCRIPTIONS: { 'retry-after': '5' },
  UNAVAILABLE: { 'retry-after': '5' },
  UNAUTHENTICATED: { 'www-authenticate': 'Bearer' },
};

/** What was wrong with a proof is nobody's business who has none. */
const WITHOUT_DETAIL: Partial<Record<ErrorCode, string>> = {
  SIGNATURE_INVALID: 'the request is not authentic',
};

/** Status and headers for an error of ours. */
export function statusOf(error: GatewayError): Omit<Reply, 'body'> {
  const status = error instanceof SlowBodyError ? 408 : STATUS[error.code];
  const retry = error instanceof RateLimitedError ? { 'retry-after': `${error.retryAfterS}` } : {};
  return { status, headers: { ...HEADERS[error.code], ...retry } };
}

/** The body for an error of ours. */
export function problemOf({ code, message }: GatewayError): string {
  return JSON.stringify({ error: { code, message: WITHOUT_DETAIL[code] ?? message } });
}

/** An error that nobody named is answered `INTERNAL` with an id, under which the log has the whole of it. */
export function toProblem(error: unknown, log: Pick<Logger, 'error'>): Reply {
  if (error instanceof GatewayError) return { ...statusOf(error), body: problemOf(error) };
  const id = randomUUID();
  log.error({ id, err: error }, 'a request failed');
  const message = 'something went wrong on our side; the id finds it in the log';
  return { status: 500, body: JSON.stringify({ error: { code: 'INTERNAL', message, id } }) };
}
