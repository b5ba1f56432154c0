/** Maps errors to HTTP responses. */

import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { type ErrorCode, GatewayError, RateLimitedError } from '../../domain/errors';
import { BodyBudgetError } from './body-reader';
import type { HttpResponse } from './response';
import { MethodNotAllowedError } from './router';
import { UnreadableRequestError } from './unreadable-request';

/** 4xx: the client must change the request. 503: the same request may succeed later. */
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

/** `connection: close` if the rest of the body is not read. */
const HEADERS: Partial<Record<ErrorCode, OutgoingHttpHeaders>> = {
  BODY_TIMEOUT: { connection: 'close' },
  BODY_TOO_LARGE: { connection: 'close' },
  STORE_UNAVAILABLE: { 'retry-after': '5' },
  TOO_MANY_SUBSCRIPTIONS: { 'retry-after': '5' },
  UNAVAILABLE: { 'retry-after': '5' },
  UNAUTHENTICATED: { 'www-authenticate': 'Bearer' },
};

/** Messages that replace those of the error, so that a sender without the secret learns nothing about the check. */
const PUBLIC_MESSAGES: Partial<Record<ErrorCode, string>> = {
  SIGNATURE_INVALID: 'The request is not authentic. Check the signature or token.',
};

/** Status and headers of the response to an error. */
export function toStatus(error: GatewayError): Omit<HttpResponse, 'body'> {
  return {
    status: error instanceof UnreadableRequestError ? error.status : STATUS[error.code],
    headers: { ...HEADERS[error.code], ...toHeaders(error) },
  };
}

function toHeaders(error: GatewayError): OutgoingHttpHeaders {
  if (error instanceof RateLimitedError) return { 'retry-after': `${error.retryAfterS}` };
  if (error instanceof MethodNotAllowedError) return { allow: error.allowed };
  if (error instanceof BodyBudgetError) return { connection: 'close' };
  return {};
}

/** JSON body of the response to an error. */
export function toProblemDetails({ code, message }: GatewayError): string {
  return JSON.stringify({ error: { code, message: PUBLIC_MESSAGES[code] ?? message } });
}

/** Maps unknown errors to `INTERNAL` with an ID by which the log entry can be found. */
export function toProblem(error: unknown, log: Pick<Logger, 'error'>): HttpResponse {
  if (error instanceof GatewayError) return { ...toStatus(error), body: toProblemDetails(error) };
  const id = randomUUID();
  log.error({ id, err: error }, 'failed to process request');
  const message =
    'An internal error occurred. Report the `id` to the operator, who finds the cause in the log.';
  return { status: 500, body: JSON.stringify({ error: { code: 'INTERNAL', message, id } }) };
}
