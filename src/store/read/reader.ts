/** Reads of the store, and the rows that they return. */

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
 * Batched reads. Each method runs one statement for any number of IDs. Results for a list of IDs are in the order of the
 * IDs, with `null` or an empty list for an ID without rows.
 */
export interface Reader {
  /** Follows merges: for the ID of a merged user, returns the merge target. */
  usersByIds(ids: readonly number[]): Promise<readonly (UserRow | null)[]>;
  /** Follows merges. */
  userByExternalId(externalUserId: string): Promise<UserRow | null>;
  userByIdentity(provider: ProviderId, subjectRef: string): Promise<UserRow | null>;
  /** Returns the ID itself and the IDs of all users merged into it. */
  userIdsMergedInto(userId: number): Promise<readonly number[]>;
  /** Returns the external IDs of these users and of users merged into them. */
  externalIdsOf(userIds: readonly number[]): Promise<readonly ExternalId[]>;
  users(filter: UserFilter, order: UserOrder, page: Page): Promise<PageOf<UserRow>>;
  countUsers(filter: UserFilter): Promise<number>;

  identitiesOf(userIds: readonly number[]): Promise<readonly (readonly IdentityRow[])[]>;
  /** Returns all levels of each user. */
  levelsOf(userIds: readonly number[]): Promise<readonly (readonly UserLevelRow[])[]>;
  /** Returns one page per user. */
  levelPagesOf(
    userIds: readonly number[],
    filter: UserLevelFilter,
    page: UserLevelPage,
  ): Promise<readonly (readonly UserLevelRow[])[]>;
  countLevelsOf(userIds: readonly number[], filter: UserLevelFilter): Promise<readonly number[]>;
  credentialsOf(userIds: readonly number[]): Promise<readonly (readonly CredentialRow[])[]>;
  /** Decrypts personal data. Returns the latest value of each field over all identities of the user. */
  profilesOf(userIds: readonly number[]): Promise<readonly (Profile | null)[]>;

  attemptsByIds(ids: readonly number[]): Promise<readonly (AttemptRow | null)[]>;
  attempts(filter: AttemptFilter, order: AttemptOrder, page: Page): Promise<PageOf<AttemptRow>>;
  countAttempts(filter: AttemptFilter): Promise<number>;
  /** Returns one page per user. */
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
  /** Decrypts bodies. `null` if the delivery does not exist, its body was purged or its key was destroyed. */
  rawBodiesOf(deliveryIds: readonly number[]): Promise<readonly (Buffer | null)[]>;

  auditEntriesByIds(seqs: readonly number[]): Promise<readonly (AuditEntry | null)[]>;
  /** Newest first. */
  auditEntries(filter: AuditFilter, page: Page): Promise<PageOf<AuditEntry>>;
  countAuditEntries(filter: AuditFilter): Promise<number>;

  /** @param stalledBefore - Per status: an attempt that entered the status before this time has stalled. */
  openAttempts(stalledBefore: Readonly<Record<OpenStatus, Date>>): Promise<readonly OpenAttempts[]>;
  /** Counts quarantined deliveries, up to `max`. */
  quarantined(provider: ProviderId, max: number): Promise<number>;
  /** Compares the deliveries of a provider with its own past. Runs two statements. */
  silence(provider: ProviderId, now: Date, rule: SilenceRule): Promise<Silence>;

  /** Returns the position of the newest log entry, or 0 for an empty log. */
  head(): Promise<number>;
  /** Returns the state of the log relative to the position `seq`. Default: the head. */
  logState(seq?: number): Promise<LogState>;
  changesByIds(seqs: readonly number[]): Promise<readonly (Change | null)[]>;
  /** Oldest first. */
  changes(filter: ChangeFilter, page: Page): Promise<PageOf<Change>>;
  countChanges(filter: ChangeFilter): Promise<number>;
  /** Returns one page per owner, oldest first. */
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
  /** Returns up to `limit` matching entries after the position `afterSeq`, oldest first. */
  tail(afterSeq: number, limit: number, filter: ChangeFilter): Promise<LogPage>;
}

export interface ExternalId {
  readonly externalUserId: string;
  /** Live user, after merges. */
  readonly userId: number;
}

/** Entries of the log, read in one statement. */
export interface LogPage {
  readonly changes: readonly Change[];
  /** Position to continue from. No other entry up to it matches. */
  readonly scannedTo: LogPosition;
  /** State of the log relative to `afterSeq`. */
  readonly state: LogState;
}

/** Open attempts of a provider in one status. */
export interface OpenAttempts {
  readonly provider: ProviderId;
  readonly status: OpenStatus;
  readonly count: number;
  /** Number of attempts that have been in the status for too long. */
  readonly stalled: number;
  /** Time at which the oldest of them entered the status. */
  readonly oldest: Instant;
}

export interface Silence {
  /** Time of the latest webhook. Excludes duplicates and status responses. */
  readonly lastDeliveryAt: Date | null;
  /** Time of the latest webhook if the silence since is unusual for the provider, else `null`. */
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
