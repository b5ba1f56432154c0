/** Interface of erasures, legal holds and body retention. */

import type { Instant } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';

export interface Erasures {
  /**
   * Erases all personal data of the user, and of all users that were merged into it, in one transaction. Statuses stay. If a hold
   * applies, stores the request instead. Idempotent.
   */
  erase(input: EraseUser): Promise<EraseOutcome>;

  /**
   * Erases one identity, because its provider has erased the account. If the user has others, the identity becomes a user of its
   * own first. If the account has returned since the report, erases nothing.
   */
  eraseIdentity(input: EraseIdentity): Promise<EraseOutcome>;

  /**
   * Erases users whose hold has ended by `now`, a limited number at a time. Returns how many.
   *
   * @throws {AggregateError} If some could not be erased. The others are erased.
   */
  runDueErasures(now: Date): Promise<number>;

  /**
   * Erases users again that a backup has brought back, despite any hold in it: the given users without identities that belong
   * to others by now, and identities that have no key.
   *
   * @returns the number of erased users, and of erased identities of users who stay.
   */
  reapplyErasures(
    input: ReapplyErasures,
  ): Promise<{ readonly users: number; readonly identities: number }>;

  /** Postpones all due erasure requests to `until`. Returns the number postponed. */
  postponeRequests(until: Date): Promise<number>;

  /**
   * Empties raw bodies received before `before`, a limited number at a time, except those of users under a legal hold. Returns
   * how many; 0 when none are left.
   */
  purgeBodies(before: Date, now: Date): Promise<number>;

  /** Sets a legal hold, or replaces the current one. Returns the fault if it was not set. */
  setHold(input: SetHold): Promise<HoldFault | null>;

  /** Releases the legal holds on a user. Returns the fault if the user does not exist. */
  releaseHold(input: OperatorCommand): Promise<HoldFault | null>;

  /** Returns a function that returns when the user with an external ID was erased. Null if that was before `since` or never. */
  erasedSince(since: Date): Promise<(externalUserId: string) => Date | null>;

  /** Removes what the database files still contain of deleted rows. Returns whether nothing is left. */
  wipe(): Promise<boolean>;
}

export interface OperatorCommand {
  readonly userId: number;
  /** Reason for the audit log. */
  readonly reason: string | null;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
}

export interface EraseUser extends OperatorCommand {
  /** Actor in the change log. See `ChangeCause.actor`. */
  readonly changeActor: string;
}

export interface ReapplyErasures extends Omit<EraseUser, 'userId'> {
  /** All users erased by the time at which the keys were saved, including users that this database does not contain. */
  readonly erasedUsers: readonly number[];
}

export interface EraseIdentity extends Omit<EraseUser, 'userId'> {
  readonly provider: ProviderId;
  /** The provider's ID of the account. */
  readonly subjectRef: string;
  /** Delivery that reported the deletion; of duplicates, the first. */
  readonly deliveryId: number;
  /** Provider timestamp of the report. If undefined, the time of receipt is used. */
  readonly occurredAt: Instant | undefined;
}

export type HoldFault = 'USER_NOT_FOUND' | 'USER_ERASED';

export interface SetHold extends OperatorCommand {
  readonly basis: string;
  /** End of the hold. If null, the hold ends when it is released. */
  readonly until: Date | null;
}

export type EraseOutcome =
  | { readonly fault: 'USER_NOT_FOUND' }
  | { readonly userId: number; readonly erased: true; readonly erasedAt: Date }
  | {
      readonly userId: number;
      readonly erased: false;
      /** Null if the hold ends when it is released. */
      readonly heldUntil: Date | null;
      readonly basis: string;
    };
