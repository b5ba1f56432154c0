/** What can be read of the store, and the rows that it is told in. */

import type { AuditEntry } from '../../domain/audit';
import type { Change } from '../../domain/change';
import type { LogPosition, LogState } from '../../domain/cursor';
import type { Profile } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { Level, LevelKey, ProviderId, SubjectKind } from '../../domain/level';
import type { SilenceRule } from '../../domain/monitoring';
import type { OpenStatus } from '../../domain/status';
import type { AttemptEntity } from '../entities/attempt.entity';
import type { RowOf, WithDates } from '../entities/columns';
import type { CredentialEntity } from '../entities/credential.entity';
import type { DeliveryEntity } from '../entities/delivery.entity';
import type { IdentityEntity } from '../entities/identity.entity';
import type { UserEntity } from '../entities/user.entity';
import type { UserLevelEntity } from '../entities/user-level.entity';
import type {
  AttemptFilter,
  AttemptOrder,
  AuditFilter,
  ChangeFilter,
  ChangeOwner,
  DeliveryFilter,
  Page,
  PageOf,
  UserFilter,
  UserLevelFilter,
  UserLevelPage,
  UserOrder,
} from './filters';

/**
 * Batched reads. Each method is one SQL statement, however many ids are given; answers to lists of ids stand in the
 * order of the ids, with `null` (or an empty list) where there is nothing.
 */
export interface Reader {
  /** Follows merges: an old id answers with the user that it went into. */
  usersByIds(ids: readonly number[]): Promise<readonly (UserRow | null)[]>;
  /** Follows merges. */
  userByExternalId(externalUserId: string): Promise<UserRow | null>;
  userByIdentity(provider: ProviderId, subjectRef: string): Promise<UserRow | null>;
  /** The id itself and the ids of all users that were merged into it. */
  userIdsMergedInto(userId: number): Promise<readonly number[]>;
  /** The external IDs that lead to these users, with merges followed. */
  externalIdsOf(userIds: readonly number[]): Promise<readonly ExternalId[]>;
  users(filter: UserFilter, order: UserOrder, page: Page): Promise<PageOf<UserRow>>;
  countUsers(filter: UserFilter): Promise<number>;

  identitiesOf(userIds: readonly number[]): Promise<readonly (readonly IdentityRow[])[]>;
  /** All levels of each user. */
  levelsOf(userIds: readonly number[]): Promise<readonly (readonly UserLevelRow[])[]>;
  /** One page per user. */
  levelPagesOf(
    userIds: readonly number[],
    filter: UserLevelFilter,
    page: UserLevelPage,
  ): Promise<readonly (readonly UserLevelRow[])[]>;
  countLevelsOf(userIds: readonly number[], filter: UserLevelFilter): Promise<readonly number[]>;
  credentialsOf(userIds: readonly number[]): Promise<readonly (readonly CredentialRow[])[]>;
  /** Decrypted. The latest word on each field, over all identities of the user. */
  profilesOf(userIds: readonly number[]): Promise<readonly (Profile | null)[]>;

  attemptsByIds(ids: readonly number[]): Promise<readonly (AttemptRow | null)[]>;
  attempts(filter: AttemptFilter, order: AttemptOrder, page: Page): Promise<PageOf<AttemptRow>>;
  countAttempts(filter: AttemptFilter): Promise<number>;
  /** One page per user. */
  attemptsOf(
    userIds: readonly number[],
    filter: AttemptFilter,
    order: AttemptOrder,
    page: Page,
  ): Promise<readonly PageOf<AttemptRow>[]>;
  countAttemptsOf(userIds: readonly number[], filter: AttemptFilter): Promise<readonly number[]>;

  levels(provider: ProviderId | null): Promise<readonly Level[]>;
  levelsByKeys(keys: readonly LevelKey[]): Promise<readonly (Level | null)[]>;

  deliveriesByIds(ids: readonly number[]): Promise<readonly (DeliveryRow | null)[]>;
  /** Newest first. */
  deliveries(filter: DeliveryFilter, page: Page): Promise<PageOf<DeliveryRow>>;
  countDeliveries(filter: DeliveryFilter): Promise<number>;
  /** Decrypted bytes as received. `null` where there is no such delivery, or its key was destroyed. */
  rawBodiesOf(deliveryIds: readonly number[]): Promise<readonly (Buffer | null)[]>;

  auditEntriesByIds(seqs: readonly number[]): Promise<readonly (AuditEntry | null)[]>;
  /** Newest first. */
  auditEntries(filter: AuditFilter, page: Page): Promise<PageOf<AuditEntry>>;
  countAuditEntries(filter: AuditFilter): Promise<number>;

  /** @param stalledBefore - By status: an attempt that has been in it since before has stalled. */
  openAttempts(stalledBefore: Readonly<Record<OpenStatus, Date>>): Promise<readonly OpenAttempts[]>;
  /** How many deliveries are in quarantine; @param most - Further ones are not counted. */
  quarantined(provider: ProviderId, most: number): Promise<number>;
  /** When the vendor was last heard, and whether it has gone quiet, by its own past. Two statements. */
  silence(provider: ProviderId, now: Date, rule: SilenceRule): Promise<Silence>;

  /** Position of the newest log entry; 0 while there is none. */
  head(): Promise<number>;
  /** The log as seen from the position `seq`; by default from its head. */
  logState(seq?: number): Promise<LogState>;
  changesByIds(seqs: readonly number[]): Promise<readonly (Change | null)[]>;
  /** Oldest first. */
  changes(filter: ChangeFilter, page: Page): Promise<PageOf<Change>>;
  countChanges(filter: ChangeFilter): Promise<number>;
  /** One page per owner, oldest first. @param filter - Without it, all that is about the owner. */
  changesOf(
    owner: ChangeOwner,
    ids: readonly number[],
    page: Page,
    filter?: ChangeFilter,
  ): Promise<readonly PageOf<Change>[]>;
  countChangesOf(
    owner: ChangeOwner,
    ids: readonly number[],
    filter?: ChangeFilter,
  ): Promise<readonly number[]>;
  /** The log after the position `afterSeq`, oldest first, at most `limit` matching entries. */
  tail(afterSeq: number, limit: number, filter: ChangeFilter): Promise<LogPage>;
}

export interface ExternalId {
  readonly externalUserId: string;
  /** The current user that it leads to. */
  readonly userId: number;
}

/** Entries of the log, read in one statement. */
export interface LogPage {
  readonly changes: readonly Change[];
  /** Position up to which no further entry matches: where to continue. */
  readonly scannedTo: LogPosition;
  /** The log as seen from the position after which the page was read. */
  readonly state: LogState;
}

/** The open attempts of one vendor in one status. */
export interface OpenAttempts {
  readonly provider: ProviderId;
  readonly status: OpenStatus;
  readonly count: number;
  /** Those that have been in their status for too long. */
  readonly stalled: number;
  /** Since when the first of them has been in its status. */
  readonly oldest: Instant;
}

export interface Silence {
  /** When it last sent something; repeats do not count, nor what it was asked for. */
  readonly lastDeliveryAt: Date | null;
  /** `null` unless nothing has come for longer than is usual at this time. */
  readonly silentSince: Date | null;
}

export interface UserRow
  extends WithDates<
    Omit<RowOf<UserEntity>, 'mergedInto' | 'statusSince'>,
    'erasedAt' | 'createdAt' | 'updatedAt'
  > {
  readonly statusSince: Instant;
}

export interface IdentityRow
  extends WithDates<Omit<RowOf<IdentityEntity>, 'undatedDeliveryId'>, 'createdAt'> {}

export interface UserLevelRow extends RowOf<UserLevelEntity> {}

/** The latest statement about a credential. */
export interface CredentialRow extends Omit<RowOf<CredentialEntity>, 'deliveryId'> {}

export interface AttemptRow extends Omit<RowOf<AttemptEntity>, 'identityId'> {
  /** Kind of the identity. */
  readonly kind: SubjectKind;
  readonly provider: ProviderId;
}

export interface DeliveryRow
  extends WithDates<
    Omit<
      RowOf<DeliveryEntity>,
      'duplicateKey' | 'reasonCode' | 'subpath' | 'identityId' | 'body' | 'bodyKeyId'
    >,
    'receivedAt'
  > {
  readonly userId: number | null;
}
