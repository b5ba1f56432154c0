/** Which rows, in which order, and how many. */

import type { AuditAction } from '../../domain/audit';
import type { LevelKey, LevelKind, ProviderId, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Disposition, VerificationStatus } from '../../domain/status';

/**
 * Keyset page. `after` and `before` are the opaque row cursors of `PageOf`. With `last` the page is taken from the end
 * but still stands in the order asked for. Exactly one of `first` and `last` is given.
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

/** All given conditions hold; an absent one does not restrict. */
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

/** All given conditions hold; an absent one does not restrict. */
export interface UserLevelFilter {
  readonly provider?: ProviderId;
  readonly status?: VerificationStatus;
}

/** The first levels after a level, in the order of their keys. */
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
  /** Entries about any of these users, or about a user merged with one of them. */
  readonly userIds?: readonly number[];
  readonly provider?: ProviderId;
  readonly levelKey?: LevelKey;
  /** Entries that gave an attempt one of these statuses. */
  readonly attemptStatus?: readonly AttemptStatus[];
  /** Entries after which the user had one of these statuses. */
  readonly verificationStatus?: readonly VerificationStatus[];
  /** Only entries that changed the status of the user. */
  readonly verificationStatusChanged?: boolean;
}

/** By the time of the act. */
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
