/** Contract of a provider adapter: verify a request, parse it, normalize it to domain events. */

import type { WebhookHead, WebhookRequest } from '../domain/delivery';
import type { VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { Trust } from '../domain/status';

export type NonEmpty<T> = readonly [T, ...T[]];

/** Result of a successful verification. */
export interface Proof {
  readonly trust: Trust;
  /** Subpath of the request without secrets, so that it can be stored. */
  readonly subpath: string;
}

/** A parsed message in the provider's terms. */
export interface Message<Payload> {
  /** Provider's name of the event type, for example `applicantReviewed`. Never contains personal data. */
  readonly eventType: string;
  /**
   * Fields that identify a message according to the provider's documentation, for example type, user and time. Duplicates have
   * equal keys. The key of a message without a timestamp is its content, and duplicates count only within a time window.
   */
  readonly duplicateKey: readonly string[];
  /** Undefined for types that the adapter knows and does not track. */
  readonly payload: Payload | undefined;
}

export interface Provider<Payload = unknown> {
  /** Slug used in webhook URLs, rows and logs, for example `fractal-id`. */
  readonly id: ProviderId;

  /** Whether every message carries a provider timestamp. If false, identical bytes may be a new event. */
  readonly dated: boolean;

  /** Verifies that the provider sent the request. @throws {SignatureError} If no configured secret matches. */
  verify(request: WebhookRequest): Proof;

  /**
   * Verifies the token before the body is read, so that a request with a wrong token uses no memory. Required for providers
   * with a static token, absent for providers that sign the body. The caller must still call `verify` once the body is read.
   *
   * @throws {SignatureError} With the same reason as `verify`.
   */
  verifyHead?(head: WebhookHead): void;

  /**
   * Parses the provider's format. Pure.
   *
   * @throws {PayloadError} With the path of the invalid field.
   * @throws {UnknownTypeError} If the adapter does not list the event type.
   */
  parse(request: WebhookRequest): Message<Payload>;

  /** Maps a payload to domain events. Pure. @throws {UnmappedStatusError} For an unknown status. Never guesses. */
  normalize(payload: Payload): NonEmpty<VerificationEvent>;

  /**
   * Returns the identity to erase because the provider erased it. Present only if the operator enabled this. Called after the
   * message is verified and stored. Pure. Undefined if the message erases no identity or is not readable.
   */
  findErasedIdentity?(request: Pick<WebhookRequest, 'rawBody'>): ErasedIdentity | undefined;

  /** Status check of one identity. Present if the provider documents an API call that requires only the operator's credentials. */
  readonly statusCall?: StatusCall<Payload>;
}

export interface ErasedIdentity {
  readonly subjectRef: string;
  /** Provider timestamp. Absent if it is not readable. */
  readonly occurredAt?: Instant;
}

export interface StatusCall<Payload> {
  /** Whether the API also returns the status of a single action. */
  readonly supportsActions?: true;

  /** Absent without credentials. Stored responses can still be parsed. */
  readonly fetchStatus?: FetchStatus;

  /** Like `Provider.parse`. A field that is missing from a response is unknown, not negative. */
  parse(response: Pick<StatusResponse, 'subpath' | 'rawBody'>): Message<Payload>;
}

/** Sends one status check. Returns undefined if the provider does not know the identity. @throws {ProviderApiError} */
export type FetchStatus = (
  target: StatusCheckTarget,
  options: { readonly now: Date; readonly signal: AbortSignal },
) => Promise<Pick<StatusResponse, 'subpath' | 'rawBody'> | undefined>;

/** The identity or action to check. */
export interface StatusCheckTarget {
  readonly subjectRef: string;
  /** Provider's ID of the action to check. If null, the identity is checked. */
  readonly actionRef?: string | null;
  /** Whether the identity is from the provider's test environment. */
  readonly sandbox: boolean;
}

/** Response to a status check. It needs no signature because the gateway selected the host. */
export interface StatusResponse {
  /** Time just before the request was sent. */
  readonly requestedAt: Date;
  /** Describes the request, without secrets. Required because a body alone may not name the identity. */
  readonly subpath: string;
  readonly rawBody: Buffer;
}

/** A secret shared with the provider. Several are valid at once, so that secrets can be rotated without downtime. */
export interface WebhookSecret {
  readonly secret: string;
  /** Event type that this secret may sign. If absent, any type. Fractal ID only. */
  readonly type?: string;
}

/** Builds an adapter from its secrets and options. */
export type ProviderFactory<Options, Payload> = (
  options: Options & { readonly secrets: readonly WebhookSecret[] },
) => Provider<Payload>;

/** Subpath and headers that authenticate a body. */
export interface SignedRequest {
  /** Part of the URL after `/webhooks/:provider/`, percent-encoded. Can be empty. */
  readonly subpath: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs a body like the provider, to simulate a webhook. */
export type Signer = (body: Buffer, secret: string, options: SignOptions) => SignedRequest;

/** Choices that a provider leaves to its customer. */
export interface SignOptions {
  readonly fractalIdFormat?: 'classic' | 'kraken';
  readonly sumsubDigest?: 'sha1' | 'sha256' | 'sha512';
}
