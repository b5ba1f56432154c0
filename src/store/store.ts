/** What the rest of the gateway may ask of the store, in domain terms. Nothing here names a database. */

import type { Attempt } from '../domain/attempt';
import type { Change } from '../domain/change';
import type { ErrorCode } from '../domain/errors';
import type { AccountState, Profile, VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { Level, LevelKey, LevelKind, ProviderId } from '../domain/level';
import type { Disposition, Trust, VerificationStatus } from '../domain/status';
import type {
  AttemptFilter,
  AttemptOrder,
  ChangeFilter,
  ChangeOwner,
  DeliveryFilter,
  Page,
  PageOf,
  UserFilter,
  UserOrder,
} from './selection';
import type { Spelling, Tree } from './tree';

export type * from './selection';
export type * from './tree';

export interface Store {
  /** Identifies the log in cursors; fixed when the database is made. */
  readonly logId: string;

  /**
   * Keeps an authentic delivery and all that follows from it in one transaction, together with the others that wait.
   * Resolves after the commit. @throws {StoreUnavailableError} if nothing was kept.
   */
  record(delivery: IncomingDelivery): Promise<RecordOutcome>;

  /** Opens a user, or answers the one that already has this external id. */
  createUser(input: CreateUser): Promise<{ readonly userId: number; readonly created: boolean }>;

  /** Ties an identity to a user, merging two users where that makes them one. */
  linkIdentity(input: LinkIdentity): Promise<LinkOutcome>;

  /**
   * Applies kept deliveries again, as `reread` understands them now. With `dryRun` nothing is changed.
   *
   * It is done in steps, so that new deliveries are kept in between. Where it is cut short, the steps that are done stay
   * done, in the log too; the same replay again does the rest and repeats nothing.
   *
   * @throws {StoreUnavailableError} {ConfigError} where the store goes away, or its rules change, in the midst of it.
   */
  replay(input: ReplayDeliveries): Promise<ReplayOutcome>;

  /** Writes what the passing of time changed: verifications that have run out by `now`. */
  expire(now: Date): Promise<number>;

  /** Drops log entries recorded before `before`; cursors older than what is left are answered CURSOR_EXPIRED. */
  trimLog(before: Date): Promise<number>;

  /** Reads, each call as of its own instant. */
  readonly read: Reader;

  /** Answers in one statement, as JSON with a field per root. */
  tree(tree: Tree, spelling: Spelling): Promise<string>;

  /** Runs `work` on one unchanging view of the data. */
  snapshot<T>(work: (read: Reader) => Promise<T>): Promise<T>;

  readonly apiKeys: ApiKeys;

  /** @throws {StoreUnavailableError} unless the database answers and every migration has been applied. */
  assertReady(): Promise<void>;

  /** Lets waiting writes commit, then closes. */
  close(): Promise<void>;
}

// ── Ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface IncomingDelivery {
  readonly provider: ProviderId;
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

// ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CreateUser {
  readonly externalUserId: string | null;
  readonly now: Date;
}

export interface LinkIdentity {
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly userId: number;
  readonly actor: string;
  readonly now: Date;
}

export type LinkOutcome =
  | {
      readonly ok: true;
      readonly userId: number;
      readonly identityId: number;
      readonly mergedUserId: number | null;
    }
  | { readonly ok: false; readonly fault: 'USER_NOT_FOUND' };

export interface ReplayDeliveries {
  readonly selection: ReplaySelection;
  readonly dryRun: boolean;
  readonly actor: string;
  readonly now: Date;
  /** Reads a kept delivery as the adapters understand it now. @throws {GatewayError} if nothing can read it. */
  readonly reread: (delivery: KeptDelivery) => Reading;
}

/** All given conditions hold. */
export interface ReplaySelection {
  readonly ids?: readonly number[];
  readonly provider?: ProviderId;
  readonly disposition?: Disposition;
  readonly receivedFrom?: Date;
  readonly receivedBefore?: Date;
}

export interface KeptDelivery {
  readonly id: number;
  readonly provider: ProviderId;
  readonly receivedAt: Date;
  readonly rawBody: Buffer;
  readonly subpath: string;
}

export interface ReplayOutcome {
  /** How many were selected. */
  readonly deliveries: number;
  /** Deliveries whose disposition is now another, in the order of receipt. */
  readonly redisposed: readonly {
    readonly deliveryId: number;
    readonly before: Disposition;
    readonly after: Disposition;
  }[];
  /** Deliveries that were left as they were, and why, in the order of receipt. */
  readonly failed: readonly { readonly deliveryId: number; readonly reason: QuarantineReason }[];
  /** What was (or with `dryRun` would be) written to the log; `seq` is provisional with `dryRun`. */
  readonly changes: readonly Change[];
}

export interface ApiKeys {
  /** @param hash - SHA-256 of the key, hex. */
  create(input: {
    readonly name: string;
    readonly prefix: string;
    readonly hash: string;
    readonly scopes: readonly string[];
    readonly now: Date;
  }): Promise<ApiKeyRow>;
  list(): Promise<readonly ApiKeyRow[]>;
  findByHash(hash: string): Promise<ApiKeyRow | null>;
  /** Which of these keys are revoked or gone. */
  revokedAmong(ids: readonly number[]): Promise<ReadonlySet<number>>;
  /** @param prefix - The public part of the key. Answers whether there was such a live key. */
  revoke(prefix: string, now: Date): Promise<boolean>;
}

export interface ApiKeyRow {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

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
  users(filter: UserFilter, order: UserOrder, page: Page): Promise<PageOf<UserRow>>;
  countUsers(filter: UserFilter): Promise<number>;

  identitiesOf(userIds: readonly number[]): Promise<readonly (readonly IdentityRow[])[]>;
  levelsOf(userIds: readonly number[]): Promise<readonly (readonly UserLevelRow[])[]>;
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

  /** Position of the newest log entry; 0 while there is none. */
  head(): Promise<number>;
  /** Position before the oldest entry still held: cursors below it have lost entries. */
  logFloor(): Promise<number>;
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
  /**
   * The log after `afterSeq`, oldest first, at most `limit` matching entries. `scannedTo` is the position up to which
   * nothing else matches: where to go on.
   */
  tail(
    afterSeq: number,
    limit: number,
    filter: ChangeFilter,
  ): Promise<{ readonly changes: readonly Change[]; readonly scannedTo: number }>;
}

export interface UserRow {
  readonly id: number;
  readonly externalUserId: string | null;
  readonly verificationStatus: VerificationStatus;
  /** Since when the status is what it is. */
  readonly statusSince: Instant;
  readonly expiresAt: Instant | null;
  readonly active: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface IdentityRow {
  readonly id: number;
  readonly userId: number;
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly externalUserId: string | null;
  readonly state: AccountState;
  /** Tied by an operator; the vendor's word no longer moves it. */
  readonly linked: boolean;
  readonly createdAt: Date;
}

export interface UserLevelRow {
  readonly userId: number;
  readonly levelKey: LevelKey;
  /** As which it counts for this user. */
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  readonly expiresAt: Instant | null;
  /** The vendor moved the user elsewhere or deleted the account: it asks nothing of the user any more. */
  readonly withdrawn: boolean;
  readonly latestAttemptId: number;
}

export interface CredentialRow {
  readonly id: number;
  readonly provider: ProviderId;
  readonly holderRef: string;
  readonly credentialRef: string;
  readonly issuedAt: Instant;
}

export interface AttemptRow extends Attempt {
  readonly id: number;
  readonly userId: number;
  readonly levelKey: LevelKey;
  readonly provider: ProviderId;
  readonly number: number;
}

export interface DeliveryRow {
  readonly id: number;
  readonly provider: ProviderId;
  readonly receivedAt: Date;
  readonly duplicates: number;
  readonly trust: Trust;
  readonly disposition: Disposition;
  /** Why it is quarantined, for people. */
  readonly reason: string | null;
  readonly eventType: string | null;
  readonly userId: number | null;
}
