/** An entry of the change log: the effect of one cause, before and after. */

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
  /** Whether the user may try again. `null` if the provider does not send it. */
  readonly retryable: boolean | null;
  readonly reasons: readonly Reason[];
}

export interface ChangeCause {
  readonly kind: ChangeCauseKind;
  /** The delivery that caused the change. `null` for causes within the gateway. */
  readonly deliveryId: number | null;
  /** Name of the API key that caused the change. `null` if no operator did. */
  readonly actor: string | null;
  /** The user that was merged into this one. `null` unless the kind is MERGE. */
  readonly mergedUserId: number | null;
}

export interface Change {
  /** Position in the log: 1, 2, 3 … in commit order, without gaps. */
  readonly seq: number;
  /** Random number. Distinguishes entries with the same position in a restored log and in the original. 0 in older entries. */
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
  /** Provider timestamp. If the provider sends none, the time of receipt. */
  readonly occurredAt: Instant;
  /** Time of the commit. */
  readonly recordedAt: Date;
}
