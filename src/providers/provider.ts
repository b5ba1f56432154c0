/** The contract of an adapter: who sent it, what does it say, what is that in our words. */

import type { WebhookHead, WebhookRequest } from '../domain/delivery';
import type { VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { Trust } from '../domain/status';

export type NonEmpty<T> = readonly [T, ...T[]];

/** How the request proved itself. */
export interface Proof {
  readonly trust: Trust;
  /** The request's subpath without any secret that it held: what may be stored. */
  readonly subpath: string;
}

/** One message of the vendor's, read but not yet translated. */
export interface Message<Payload> {
  /** The vendor's name for the kind of message, e.g. `applicantReviewed`; never personal. */
  readonly eventType: string;
  /**
   * The fields that tell one message from another by the provider's page, e.g. type, subject and time. Repeats of a
   * delivery have equal keys. A message without a clock gives what it says, and repeats only inside a window.
   */
  readonly duplicateKey: readonly string[];
  /** `undefined` for a type that the adapter lists as known and not tracked. */
  readonly payload: Payload | undefined;
}

export interface Provider<Payload = unknown> {
  /** Slug in the webhook URL, in rows and in logs, e.g. `fractal-id`. */
  readonly id: ProviderId;

  /** Whether every message bears the vendor's clock. Else the same bytes may be said twice and mean it. */
  readonly dated: boolean;

  /** How the request proves that the vendor sent it. @throws {SignatureError} unless one of our secrets does. */
  verify(request: WebhookRequest): Proof;

  /**
   * Verifies the proof before the body is read, so that a request with a wrong token costs no memory. Required if the proof is
   * a token, absent if it is a signature over the body. A pass proves nothing: `verify` follows once the body is read.
   *
   * @throws {SignatureError} With the same reason as `verify`.
   */
  verifyHead?(head: WebhookHead): void;

  /** Reads the vendor's own shape. Pure. @throws {PayloadError} naming the path. {UnknownTypeError} for a type it does not list. */
  parse(request: WebhookRequest): Message<Payload>;

  /** Says it in our words. Pure. @throws {UnmappedStatusError} for a status word not in the table: we never guess. */
  normalize(payload: Payload): NonEmpty<VerificationEvent>;

  /**
   * The account that the vendor has erased, where the message says so and our customer wants it erased here as well. The
   * message is proven and kept by then. Pure; `undefined` also where it cannot be read.
   */
  erasedAccount?(request: Pick<WebhookRequest, 'rawBody'>): ErasedIdentity | undefined;

  /** How the vendor is asked about one account, where its page documents a call that takes no more than our own credentials. */
  readonly statusCall?: StatusCall<Payload>;
}

export interface ErasedIdentity {
  readonly subjectRef: string;
  /** By the vendor's clock; absent where that cannot be read. */
  readonly occurredAt?: Instant;
}

export interface StatusCall<Payload> {
  /** Whether the provider also answers about a single action. */
  readonly supportsActions?: true;

  /** Absent without credentials: then nobody is asked, and what was answered before can still be read. */
  readonly fetchStatus?: FetchStatus;

  /** As `Provider.parse`. What an answer leaves out was not said: absence decides nothing. */
  parse(answer: Pick<StatusResponse, 'subpath' | 'rawBody'>): Message<Payload>;
}

/** Asks once. `undefined`: the vendor knows no such account. @throws {VendorError} */
export type FetchStatus = (
  subject: Subject,
  asking: { readonly now: Date; readonly signal: AbortSignal },
) => Promise<Pick<StatusResponse, 'subpath' | 'rawBody'> | undefined>;

/** Whom to ask about. */
export interface Subject {
  readonly subjectRef: string;
  /** The provider's ID of the action to ask about; `null`: the account. */
  readonly actionRef?: string | null;
  /** Known from the vendor's test environment. */
  readonly sandbox: boolean;
}

/** What the vendor said when asked. It needs no proof: we chose whom to ask. */
export interface StatusResponse {
  /** Before the question was sent. */
  readonly requestedAt: Date;
  /** What the question was, without secrets: a body alone may not say whom it is about. */
  readonly subpath: string;
  readonly rawBody: Buffer;
}

/** A secret that we share with the vendor. Several are valid at once, so that they can be exchanged without a gap. */
export interface WebhookSecret {
  readonly secret: string;
  /** The kind of message that this secret may sign; absent: any. Fractal ID only. */
  readonly type?: string;
}

/** Builds an adapter from its secrets and whatever else of the configuration it needs. */
export type ProviderFactory<Options, Payload> = (
  options: Options & { readonly secrets: readonly WebhookSecret[] },
) => Provider<Payload>;

/** What a vendor adds to a body to show who sent it. */
export interface SignedDelivery {
  /** What follows `/webhooks/:provider/` in the URL, percent-encoded; `''` if nothing does. */
  readonly subpath: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Does what the vendor does, so that a webhook can be simulated. */
export type Signer = (body: Buffer, secret: string, options: SignOptions) => SignedDelivery;

/** As far as a vendor leaves a choice. */
export interface SignOptions {
  readonly fractalIdFormat?: 'classic' | 'kraken';
  readonly sumsubDigest?: 'sha1' | 'sha256' | 'sha512';
}
