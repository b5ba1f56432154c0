/** The one place where an error becomes an HTTP answer. */

import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { type ErrorCode, GatewayError, RateLimitedError } from '../../domain/errors';
import { BodyBudgetError } from './body';
import type { HttpResponse } from './response';
import { MethodNotAllowedError } from './router';
import { UnreadableRequestError } from './unreadable-request';

/** By what a retry would do: 4xx needs another request, 503 the same one later. */
const STATUS: Record<ErrorCode, number> = {
  ACCOUNT_TOO_LARGE: 422,
  BODY_TOO_LARGE: 413,
  BODY_TIMEOUT: 408,
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
  REQUEST_UNREADABLE: 400,
  SIGNATURE_INVALID: 401,
  STATUS_UNMAPPED: 400,
  STORE_UNAVAILABLE: 503,
  TOO_MANY_SUBSCRIPTIONS: 429,
  TYPE_UNKNOWN: 400,
  UNAUTHENTICATED: 401,
  UNAVAILABLE: 503,
  UNSUPPORTED_MEDIA_TYPE: 415,
  PROVIDER_API_FAILED: 502,
};

/** The rest of a body that is too large, or does not come, is not waited for. */
const HEADERS: Partial<Record<ErrorCode, OutgoingHttpHeaders>> = {
  BODY_TIMEOUT: { connection: 'close' },
  BODY_TOO_LARGE: { connection: 'close' },
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
export function toStatus(error: GatewayError): Omit<HttpResponse, 'body'> {
  return {
    status: error instanceof UnreadableRequestError ? error.status : STATUS[error.code],
    headers: { ...HEADERS[error.code], ...headersOf(error) },
  };
}

function headersOf(error: GatewayError): OutgoingHttpHeaders {
  if (error instanceof RateLimitedError) return { 'retry-after': `${error.retryAfterS}` };
  if (error instanceof MethodNotAllowedError) return { allow: error.allowed };
  if (error instanceof BodyBudgetError) return { connection: 'close' };
  return {};
}

/** The body for an error of ours. */
export function toProblemDetails({ code, message }: GatewayError): string {
  return JSON.stringify({ error: { code, message: WITHOUT_DETAIL[code] ?? message } });
}

/** An error that nobody named is answered `INTERNAL` with an id, under which the log has the whole of it. */
export function toProblem(error: unknown, log: Pick<Logger, 'error'>): HttpResponse {
  if (error instanceof GatewayError) return { ...toStatus(error), body: toProblemDetails(error) };
  const id = randomUUID();
  log.error({ id, err: error }, 'failed to process request');
  const message = 'something went wrong on our side; the id finds it in the log';
  return { status: 500, body: JSON.stringify({ error: { code: 'INTERNAL', message, id } }) };
}
