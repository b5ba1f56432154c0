/** One entry of the change log: what one cause changed, before and after. */

import type { Reason } from './event';
import type { Instant } from './instant';
import type { LevelKey, ProviderId } from './level';
import type { AttemptStatus, VerificationStatus } from './status';

export const CHANGE_CAUSES = [
  'DELIVERY',
  'REPLAY',
  'LINK',
  'MERGE',
  'EXPIRY',
  'POLICY',
  'ERASURE',
] as const;
export type ChangeCauseKind = (typeof CHANGE_CAUSES)[number];

export interface Rejection {
  /** Whether the user may try again; `null` when the vendor does not say. */
  readonly retryable: boolean | null;
  readonly reasons: readonly Reason[];
}

export interface ChangeCause {
  readonly kind: ChangeCauseKind;
  /** The delivery that brought it; `null` for causes of our own. */
  readonly deliveryId: number | null;
  /** Who did it, where somebody did: the name of an API key. */
  readonly actor: string | null;
  /** The user that went into this one, for MERGE. */
  readonly mergedUserId: number | null;
}

export interface Change {
  /** Position in the log: 1, 2, 3 …, in the order of commit, without a gap. */
  readonly seq: number;
  /** Random, and different at the same position of a log that continued elsewhere. 0 in entries of older releases. */
  readonly nonce: number;
  readonly userId: number;
  readonly provider: ProviderId | null;
  readonly levelKey: LevelKey | null;
  readonly attemptId: number | null;
  readonly attemptStatus: AttemptStatus | null;
  readonly previousAttemptStatus: AttemptStatus | null;
  readonly levelStatus: VerificationStatus | null;
  readonly previousLevelStatus: VerificationStatus | null;
  readonly verificationStatus: VerificationStatus;
  readonly previousVerificationStatus: VerificationStatus;
  readonly active: boolean;
  readonly previousActive: boolean;
  readonly rejection: Rejection | null;
  readonly cause: ChangeCause;
  /** The vendor's clock where it has one, else ours. */
  readonly occurredAt: Instant;
  /** When it was committed. */
  readonly recordedAt: Date;
}
