/** The contract of an adapter: who sent it, what does it say, what is that in our words. */

import type { VerificationEvent } from '../domain/event';
import type { ProviderId } from '../domain/level';
import type { WebhookRequest } from '../domain/request';
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
  /** `undefined` if the message is about nothing we track. */
  readonly payload: Payload | undefined;
}

export interface Provider<Payload = unknown> {
  /** Slug in the webhook URL, in rows and in logs, e.g. `fractal-id`. */
  readonly id: ProviderId;

  /** Whether every message bears the vendor's clock. Else the same bytes may be said twice and mean it. */
  readonly dated: boolean;

  /** How the request proves that the vendor sent it. @throws {SignatureError} unless one of our secrets does. */
  verify(request: WebhookRequest): Proof;

  /** Reads the vendor's own shape. Pure. @throws {PayloadError} naming the path. */
  parse(request: WebhookRequest): Message<Payload>;

  /** Says it in our words. Pure. @throws {UnmappedStatusError} for a status word not in the table: we never guess. */
  normalize(payload: Payload): NonEmpty<VerificationEvent>;
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
