/** Filters, orders and pages of lists. */

import type { AuditAction } from '../../domain/audit';
import type { LevelKey, LevelKind, ProviderId, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Disposition, VerificationStatus } from '../../domain/status';

/**
 * Keyset page. Exactly one of `first` and `last` is present. `last` takes the page from the end of the list and keeps the
 * requested order. `after` and `before` are opaque cursors from `PageOf`.
 */
export interface Page {
  readonly first?: number;
  readonly last?: number;
  readonly after?: string;
  readonly before?: string;
}

export interface PageOf<Row> {
  readonly rows: readonly { readonly row: Row; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Rows must match all conditions. An absent condition matches all rows. */
export interface UserFilter {
  readonly ids?: readonly number[];
  readonly verificationStatus?: readonly VerificationStatus[];
  readonly externalUserId?: string;
  readonly provider?: ProviderId;
  readonly levelKey?: LevelKey;
  readonly kind?: SubjectKind;
  readonly active?: boolean;
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  readonly updatedFrom?: Date;
  readonly updatedBefore?: Date;
}

/** Rows must match all conditions. An absent condition matches all rows. */
export interface UserLevelFilter {
  readonly provider?: ProviderId;
  readonly status?: VerificationStatus;
}

/** The first levels after a level, by key. */
export interface UserLevelPage {
  readonly first: number;
  readonly after?: LevelKey;
}

export interface AttemptFilter {
  readonly userIds?: readonly number[];
  readonly provider?: ProviderId;
  readonly levelKey?: LevelKey;
  readonly levelKind?: LevelKind;
  readonly kind?: SubjectKind;
  readonly status?: readonly AttemptStatus[];
  readonly sandbox?: boolean;
  readonly startedFrom?: Date;
  readonly startedBefore?: Date;
  readonly updatedFrom?: Date;
  readonly updatedBefore?: Date;
}

export interface DeliveryFilter {
  readonly provider?: ProviderId;
  readonly disposition?: readonly Disposition[];
  readonly eventType?: string;
  readonly userIds?: readonly number[];
  readonly receivedFrom?: Date;
  readonly receivedBefore?: Date;
}

export interface ChangeFilter {
  /** Entries about these users or users merged with them. */
  readonly userIds?: readonly number[];
  readonly provider?: ProviderId;
  readonly levelKey?: LevelKey;
  /** Entries that changed an attempt to one of these statuses. */
  readonly attemptStatus?: readonly AttemptStatus[];
  /** Entries with this status of the user. */
  readonly verificationStatus?: readonly VerificationStatus[];
  /** Whether the entry changed the status of the user. */
  readonly verificationStatusChanged?: boolean;
}

/** `from` and `before` limit the time of the action. */
export interface AuditFilter {
  readonly action?: readonly AuditAction[];
  readonly actor?: string;
  readonly subject?: string;
  readonly from?: Date;
  readonly before?: Date;
}

export type ChangeOwner = 'user' | 'attempt' | 'delivery';

export interface UserOrder {
  readonly field: 'CREATED_AT' | 'UPDATED_AT';
  readonly direction: 'ASC' | 'DESC';
}

export interface AttemptOrder {
  readonly field: 'STARTED_AT' | 'UPDATED_AT';
  readonly direction: 'ASC' | 'DESC';
}
