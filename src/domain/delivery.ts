/** Types of a delivery, from the request to the result. */

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
  /** Time of receipt. For a status response (trust `CONFIRMED`), the time of the request. */
  readonly receivedAt: Date;
  readonly rawBody: Buffer;
  readonly subpath: string;
  readonly trust: Trust;
  readonly reading: Reading;
}

/** Result of parsing a delivery: its events, or the reason why it has none. */
export type Reading =
  | {
      readonly kind: 'EVENTS';
      readonly eventType: string;
      /** Equal for duplicates. See `Message.duplicateKey`. */
      readonly duplicateKey: string;
      readonly events: readonly VerificationEvent[];
    }
  | { readonly kind: 'IGNORED'; readonly eventType: string; readonly duplicateKey: string }
  | {
      readonly kind: 'QUARANTINED';
      readonly eventType: string | null;
      readonly duplicateKey: string;
      /** Whether the same bytes may be a new event. A duplicate then counts only in direct succession and within ten minutes. */
      readonly mayRecur?: boolean;
      readonly reason: QuarantineReason;
    };

export interface QuarantineReason {
  readonly code: ErrorCode;
  /** States the invalid field and what it must be. Never contains the received value. */
  readonly message: string;
}

export interface RecordOutcome {
  readonly deliveryId: number;
  readonly disposition: Disposition;
  /** Whether the delivery was already stored. */
  readonly duplicate: boolean;
  /** Number of change log entries written. */
  readonly changes: number;
}

export interface StoredDelivery extends Omit<IncomingDelivery, 'reading'> {
  readonly id: number;
}
