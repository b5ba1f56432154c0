/** Errors with one stable code per cause. A message never contains the received value: it may be personal data. */

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
  'PROVIDER_API_FAILED',
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

/**
 * A state that cannot occur unless the code or the database is broken. Clients receive `INTERNAL`.
 *
 * @example throw new InvariantError('Level has no latest attempt');
 */
export class InvariantError extends Error {
  /** @param violation - The state found, as a sentence without a period. Contains no personal data. */
  constructor(violation: string, options?: ErrorOptions) {
    super(violation, options);
    this.name = 'InvariantError';
  }
}

// ── Webhooks ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Reasons why a webhook is not authentic, for the log and the metrics. */
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

/** The request does not prove that the provider sent it. A missing proof counts as a wrong one. */
export class SignatureError extends GatewayError {
  constructor(
    readonly reason: SignatureFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super('SIGNATURE_INVALID', message, options);
  }
}

/** An authentic body that does not match the provider's format. */
export class PayloadError extends GatewayError {
  /**
   * @param path - Dotted path of the invalid field, for example `data.timestamp`. `body` for the whole body.
   * @param expected - Noun phrase that completes "must be …".
   */
  constructor(
    readonly path: string,
    expected: string,
    options?: ErrorOptions,
  ) {
    const subject = path === 'body' ? 'The body' : `\`${path}\``;
    super('PAYLOAD_INVALID', `${subject} must be ${expected}.`, options);
  }
}

/** A provider status that no status table maps. The gateway never guesses. */
export class UnmappedStatusError extends GatewayError {
  /** @param path - Dotted path of the field with the status. */
  constructor(readonly path: string) {
    super('STATUS_UNMAPPED', `The gateway does not know the status in \`${path}\`.`);
  }
}

/** A notification type that the adapter does not know. It may concern a verification, so it is never ignored. */
export class UnknownTypeError extends GatewayError {
  /** @param eventType - The provider's name of the type. */
  constructor(readonly eventType: string) {
    super('TYPE_UNKNOWN', 'The gateway does not know this notification type.');
  }
}

/** The stored history of a user exceeds the limit, so no further event can be applied to it. */
export class AccountTooLargeError extends GatewayError {
  constructor(maxBytes: number) {
    const mib = maxBytes / (1024 * 1024);
    super('ACCOUNT_TOO_LARGE', `The stored history of this user exceeds ${mib} MiB.`);
  }
}

export class UnknownProviderError extends GatewayError {
  constructor() {
    super(
      'PROVIDER_UNKNOWN',
      'No provider is configured at this path. Check the provider in the URL.',
    );
  }
}

// ── Clients ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Reasons why credentials are rejected, for the log and the metrics. */
export const AUTH_FAILURES = [
  'MISSING',
  'MALFORMED',
  'UNKNOWN_KEY',
  'REVOKED_KEY',
  'INVALID_TOKEN',
  'EXPIRED_TOKEN',
] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

/** The check that a token failed, for the log. `FORMAT`: it is not a signed token, or its header requires an extension. */
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

/** Details of rejected credentials, for the log. */
interface AuthFailureDetails extends ErrorOptions {
  readonly keyPrefix?: string;
  readonly failedCheck?: TokenCheck;
}

/** Credentials are missing or invalid. The message does not reveal the reason to the caller. */
export class UnauthenticatedError extends GatewayError {
  /** Prefix of the API key received. Identifies the key for its creator and grants no access. */
  readonly keyPrefix: string | null;
  readonly failedCheck: TokenCheck | null;

  constructor(
    readonly reason: AuthFailure,
    { keyPrefix, failedCheck, ...options }: AuthFailureDetails = {},
  ) {
    super(
      'UNAUTHENTICATED',
      'Credentials must be a valid API key or token. Send them as `Authorization: Bearer …`.',
      options,
    );
    this.keyPrefix = keyPrefix ?? null;
    this.failedCheck = failedCheck ?? null;
  }
}

/** The database is unavailable. A retry of the same request may succeed. */
export class StoreUnavailableError extends GatewayError {
  /** @param options - `message` is for operators, where no client receives the error. */
  constructor({ message, ...options }: ErrorOptions & { readonly message?: string } = {}) {
    super(
      'STORE_UNAVAILABLE',
      message ?? 'The database is unavailable. Retry after the `Retry-After` interval.',
      options,
    );
  }
}

/** A failed request to a provider's API. */
export class ProviderApiError extends GatewayError {
  constructor(
    readonly fault: ProviderApiFault,
    message: string,
    /** Delay that the provider requested, in milliseconds. `null` if it requested none. */
    readonly retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super('PROVIDER_API_FAILED', message, options);
  }
}

/**
 * - `UNAVAILABLE`: no complete response, or a server error.
 * - `RATE_LIMITED`: too many requests.
 * - `REFUSED`: the provider rejected the credentials or the request.
 * - `UNREADABLE`: the response is not a JSON object or is too large.
 *
 * A retry may succeed only after the first two.
 */
export type ProviderApiFault = 'UNAVAILABLE' | 'RATE_LIMITED' | 'REFUSED' | 'UNREADABLE';

/** Too many requests. A later retry of the same request may succeed. */
export class RateLimitedError extends GatewayError {
  /** @param retryAfterS - Delay before the next attempt, in seconds. */
  constructor(readonly retryAfterS: number) {
    super('RATE_LIMITED', 'Too many requests. Retry after the `Retry-After` interval.');
  }
}

/** All faults of the configuration, reported together. */
export class ConfigError extends GatewayError {
  constructor(
    readonly faults: readonly string[],
    options?: ErrorOptions,
  ) {
    super('CONFIG_INVALID', faults.join('\n'), options);
  }
}

/** A cursor before the oldest entry of the change log. */
export class CursorExpiredError extends GatewayError {
  /** @param oldestCursor - Oldest cursor after which the log has no gap. */
  constructor(readonly oldestCursor: string) {
    super(
      'CURSOR_EXPIRED',
      'The change log no longer contains the entries after this cursor. Query the state and its `cursor`, then subscribe after that cursor.',
    );
  }
}

/** A cursor of another log, or of an entry that a restored log does not contain. */
export class CursorInvalidError extends GatewayError {
  constructor() {
    super(
      'CURSOR_INVALID',
      'The cursor does not belong to this log, which may have been restored to an earlier moment. Query the state and its `cursor`, then subscribe after that cursor.',
    );
  }
}
