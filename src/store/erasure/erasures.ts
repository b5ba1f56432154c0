/** Interface of erasures, legal holds and body retention. */

import type { Instant } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';

// ── Erasing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Erasures {
  /**
   * Destroys all that is personal of the user and of all users that went into it, in one transaction; what stays is a
   * record of statuses. Where something keeps the user, the request is kept instead. Doing it again does nothing.
   */
  erase(input: EraseUser): Promise<EraseOutcome>;

  /**
   * Does so with one account, because its vendor has. A user who has others stays, without it: what is left of the account
   * is then a record of its own. Nothing is done to one that has come back since the vendor said so.
   */
  eraseAccount(input: EraseAccount): Promise<EraseOutcome>;

  /** Erases those whose hold has ended by `now`, a few at a time. @returns how many. */
  runDueErasures(now: Date): Promise<number>;

  /**
   * Erases those again who were erased before, and whom a backup has brought back, whatever holds it has brought back with
   * them: the users named, without accounts that are others' by now, and accounts that have no key.
   *
   * @returns how many users, and how many accounts of users who stay.
   */
  reapplyErasures(
    input: ReapplyErasures,
  ): Promise<{ readonly users: number; readonly accounts: number }>;

  /** Carries out nothing that was asked for before this time. @returns how many requests are concerned. */
  postponeRequests(until: Date): Promise<number>;

  /**
   * Empties raw bodies that were received before `before`, a few at a time, but for those of users under a legal hold.
   * @returns how many; 0 once there are no more.
   */
  purgeBodies(before: Date, now: Date): Promise<number>;

  /** A further one replaces it. @returns why it was not set, if so. */
  setHold(input: SetHold): Promise<HoldFault | null>;
  releaseHold(input: OperatorCommand): Promise<HoldFault | null>;

  /** @returns when the user of an external id was erased, if that was not before `since`. */
  erasedSince(since: Date): Promise<(externalUserId: string) => Date | null>;

  /** Clears away what the database's files still hold of rows that are gone. @returns whether nothing is left of them. */
  wipe(): Promise<boolean>;
}

export interface OperatorCommand {
  readonly userId: number;
  /** Why, for the audit log. */
  readonly reason: string | null;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
}

export interface ReapplyErasures extends Omit<EraseUser, 'userId'> {
  /** Whoever was erased by the time that the keys were taken, also those whom this database does not know. */
  readonly erasedUsers: readonly number[];
}

export interface EraseUser extends OperatorCommand {
  /** Actor in the change log. See `ChangeCause.actor`. */
  readonly changeActor: string;
}

export interface EraseAccount extends Omit<EraseUser, 'userId'> {
  readonly provider: ProviderId;
  /** The vendor's id of the account. */
  readonly subjectRef: string;
  /** By which the vendor said so; of a repeat, the first. */
  readonly deliveryId: number;
  /** When the vendor said so; `undefined`: when that was received. */
  readonly occurredAt: Instant | undefined;
}

export type HoldFault = 'USER_NOT_FOUND' | 'USER_ERASED';

export interface SetHold extends OperatorCommand {
  readonly basis: string;
  /** `null`: until it is released. */
  readonly until: Date | null;
}

export type EraseOutcome =
  | { readonly fault: 'USER_NOT_FOUND' }
  | { readonly userId: number; readonly erased: true; readonly erasedAt: Date }
  | {
      readonly userId: number;
      readonly erased: false;
      /** `null`: until the hold is released. */
      readonly heldUntil: Date | null;
      readonly basis: string;
    };
