/** What can go wrong, one stable code per cause. Messages say what was expected and where, never the value found. */

export const ERROR_CODES = [
  'ACCOUNT_TOO_LARGE',
  'BODY_TIMEOUT',
  'BODY_TOO_LARGE',
  'BODY_UNREADABLE',
  'CONFIG_INVALID',
  'CURSOR_EXPIRED',
  'CURSOR_INVALID',
  'FORBIDDEN',
  'FUTURE_DATED',
  'INPUT_INVALID',
  'INTERNAL',
  'METHOD_NOT_ALLOWED',
  'NOT_FOUND',
  'PAYLOAD_INVALID',
  'PERSISTED_QUERY_NOT_FOUND',
  'PROVIDER_UNKNOWN',
  'RATE_LIMITED',
  'REASON_REQUIRED',
  'REQUEST_UNREADABLE',
  'SIGNATURE_INVALID',
  'STATUS_UNMAPPED',
  'STORE_UNAVAILABLE',
  'TOO_MANY_SUBSCRIPTIONS',
  'TYPE_UNKNOWN',
  'UNAUTHENTICATED',
  'UNAVAILABLE',
  'UNSUPPORTED_MEDIA_TYPE',
  'PROVIDER_API_FAILED',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export class GatewayError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Why a webhook is not authentic, for the log and the metrics. */
export const SIGNATURE_FAILURES = [
  'SIGNATURE_MISSING',
  'SIGNATURE_MALFORMED',
  'ALGORITHM_NOT_ALLOWED',
  'NO_MATCHING_SECRET',
  'SECRET_TYPE_MISMATCH',
  'TOKEN_MISSING',
  'TOKEN_WRONG',
  'COMPRESSED',
] as const;
export type SignatureFailure = (typeof SIGNATURE_FAILURES)[number];

/** The request does not prove that the vendor sent it. A missing proof is a wrong one. */
export class SignatureError extends GatewayError {
  constructor(
    readonly reason: SignatureFailure,
    expected: string,
    options?: ErrorOptions,
  ) {
    super('SIGNATURE_INVALID', expected, options);
  }
}

/** An authentic body that we cannot read. */
export class PayloadError extends GatewayError {
  /** @param path - Dotted path of the field at fault, e.g. `data.timestamp`; `body` for the whole. */
  constructor(
    readonly path: string,
    expected: string,
    options?: ErrorOptions,
  ) {
    super('PAYLOAD_INVALID', `expected ${path} to be ${expected}`, options);
  }
}

/** A status word that is in no table of ours: we never guess. */
export class UnmappedStatusError extends GatewayError {
  /** @param path - Dotted path of the field that holds the word. */
  constructor(readonly path: string) {
    super('STATUS_UNMAPPED', `expected ${path} to be a status word we know`);
  }
}

/** A kind of message that the adapter does not know. It may be about a verification, so it is never ignored. */
export class UnknownTypeError extends GatewayError {
  /** @param eventType - The provider's name for the kind of message. */
  constructor(readonly eventType: string) {
    super('TYPE_UNKNOWN', 'expected a type of message that the adapter knows');
  }
}

/** The stored history of a user exceeds the limit, so nothing further can be applied to it. */
export class AccountTooLargeError extends GatewayError {
  constructor(maxBytes: number) {
    const mib = maxBytes / (1024 * 1024);
    super('ACCOUNT_TOO_LARGE', `The stored history of this user exceeds ${mib} MiB.`);
  }
}

export class UnknownProviderError extends GatewayError {
  constructor() {
    super('PROVIDER_UNKNOWN', 'no provider is configured under this path');
  }
}

/** What was wrong with them, for the log and the metrics. */
export const AUTH_FAILURES = [
  'MISSING',
  'MALFORMED',
  'UNKNOWN_KEY',
  'REVOKED_KEY',
  'INVALID_TOKEN',
  'EXPIRED_TOKEN',
] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

/** The check that a token failed, for the log. `FORMAT`: it is not a signed token, or its header demands an extension. */
export type TokenCheck =
  | 'FORMAT'
  | 'ALGORITHM'
  | 'KEY_UNKNOWN'
  | 'SIGNATURE'
  | 'ISSUER'
  | 'AUDIENCE'
  | 'EXPIRY'
  | 'NOT_BEFORE'
  | 'SUBJECT';

/** What the log may say of credentials that were refused. */
interface AuthFailureDetails extends ErrorOptions {
  readonly keyPrefix?: string;
  readonly failedCheck?: TokenCheck;
}

/** Missing, malformed, unknown, revoked, expired: the caller is not told which. */
export class UnauthenticatedError extends GatewayError {
  /** Of the API key that was shown; names it to whoever made it, and opens nothing. */
  readonly keyPrefix: string | null;
  readonly failedCheck: TokenCheck | null;

  constructor(
    readonly reason: AuthFailure,
    { keyPrefix, failedCheck, ...options }: AuthFailureDetails = {},
  ) {
    super(
      'UNAUTHENTICATED',
      'expected a valid API key or token: `Authorization: Bearer …`',
      options,
    );
    this.keyPrefix = keyPrefix ?? null;
    this.failedCheck = failedCheck ?? null;
  }
}

/** The store is away; the same request may succeed later. */
export class StoreUnavailableError extends GatewayError {
  /** @param options - `message`: for an operator, where no client is answered. */
  constructor({ message, ...options }: ErrorOptions & { readonly message?: string } = {}) {
    super(
      'STORE_UNAVAILABLE',
      message ?? 'the store is away; send the same request again later',
      options,
    );
  }
}

/** A vendor's API that did not answer our question. */
export class ProviderApiError extends GatewayError {
  constructor(
    readonly fault: ProviderApiFault,
    message: string,
    /** How long the vendor asked us to wait, in milliseconds. */
    readonly retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super('PROVIDER_API_FAILED', message, options);
  }
}

/**
 * `UNAVAILABLE`: no answer, cut short, or a fault of its own; `RATE_LIMITED`: asked too often; `REFUSED`: our credentials or
 * the question; `UNREADABLE`: no JSON object, or too much of it. Only the first two may be mended by asking again.
 */
export type ProviderApiFault = 'UNAVAILABLE' | 'RATE_LIMITED' | 'REFUSED' | 'UNREADABLE';

/** Too much of it; the same request may succeed later. */
export class RateLimitedError extends GatewayError {
  /** @param retryAfterS - Seconds after which it is worth another try. */
  constructor(readonly retryAfterS: number) {
    super('RATE_LIMITED', 'too many requests; send the same request again later');
  }
}

/** Every fault of the configuration at once. */
export class ConfigError extends GatewayError {
  constructor(
    readonly faults: readonly string[],
    options?: ErrorOptions,
  ) {
    super('CONFIG_INVALID', faults.join('\n'), options);
  }
}

/** A position that the log no longer holds. */
export class CursorExpiredError extends GatewayError {
  /** @param oldestCursor - The earliest position from which the log can still be read without a gap. */
  constructor(readonly oldestCursor: string) {
    super('CURSOR_EXPIRED', 'the log no longer reaches back to this cursor');
  }
}

/** A cursor of another log, or of an entry that a restored log does not hold. */
export class CursorInvalidError extends GatewayError {
  constructor() {
    super(
      'CURSOR_INVALID',
      'The cursor does not belong to this log, which may have been restored to an earlier moment. Query the state and its `cursor`, then subscribe after that cursor.',
    );
  }
}
