/** A delivery on its way from an adapter to the store, and its result. */

import type { ErrorCode } from './errors';
import type { VerificationEvent } from './event';
import type { ProviderId } from './level';
import type { Disposition, Trust } from './status';

// ── Request ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The part of a webhook that arrives before its body. */
export interface WebhookHead {
  /** Header names in lower case. A header sent twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Path below `/webhooks/:provider`, percent-decoded, without a leading slash. `''` for none. */
  readonly subpath: string;
}

export interface WebhookRequest extends WebhookHead {
  /** The body as received, byte for byte. */
  readonly rawBody: Buffer;
}

// ── Ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface IncomingDelivery {
  readonly provider: ProviderId;
  /** Of a vendor's answer (trust `CONFIRMED`): when it was asked for. */
  readonly receivedAt: Date;
  readonly rawBody: Buffer;
  readonly subpath: string;
  readonly trust: Trust;
  readonly reading: Reading;
}

/** What a delivery says, or why it says nothing. */
export type Reading =
  | {
      readonly kind: 'EVENTS';
      readonly eventType: string;
      /** Equal for repeats; see `Message.duplicateKey`. */
      readonly duplicateKey: string;
      readonly events: readonly VerificationEvent[];
    }
  | { readonly kind: 'IGNORED'; readonly eventType: string; readonly duplicateKey: string }
  | {
      readonly kind: 'QUARANTINED';
      readonly eventType: string | null;
      readonly duplicateKey: string;
      /** The same again may be another message, so it counts as a repeat only in a row, and not for long. */
      readonly mayRecur?: boolean;
      readonly reason: QuarantineReason;
    };

export interface QuarantineReason {
  readonly code: ErrorCode;
  /** What was expected and where; never the value found. */
  readonly message: string;
}

export interface RecordOutcome {
  readonly deliveryId: number;
  readonly disposition: Disposition;
  /** Whether this was a repeat of a delivery already kept. */
  readonly duplicate: boolean;
  /** Log entries written. */
  readonly changes: number;
}

export interface StoredDelivery extends Omit<IncomingDelivery, 'reading'> {
  readonly id: number;
}
