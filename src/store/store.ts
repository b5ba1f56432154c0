/** What the rest of the gateway may ask of the store, in domain terms. Nothing here names a database. */

import type { AuditAct, AuditHead } from '../domain/audit';
import type { Change } from '../domain/change';
import {
  IncomingDelivery,
  QuarantineReason,
  Reading,
  RecordOutcome,
  StoredDelivery,
} from '../domain/delivery';
import type { AccountState } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { LevelKind, ProviderId } from '../domain/level';
import type { Disposition } from '../domain/status';
import { LinkIdentity, LinkOutcome } from '../projector/link-identity';
import type { Encoding, JsonQuery } from './json-query/query';
import type { Reader } from './read/reader';

export type * from './json-query/query';
export type * from './read/filters';
export type * from './read/reader';

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

  /**
   * Brings all that lies under an older master key under the current one, in steps, while others read and write. Where it is
   * cut short, what is done stays done; the same again does the rest.
   *
   * @throws {ConfigError} if a key is missing; {StoreUnavailableError} if the store goes away in the midst of it.
   */
  rotateDataKeys(input: RotateDataKeys): Promise<RotationOutcome>;

  /** Reads, each call as of its own instant. */
  readonly read: Reader;

  /** Answers in one statement, as JSON with a field per root; `null` where the database has no such statement. */
  readonly tree: ((tree: JsonQuery, spelling: Encoding) => Promise<string>) | null;

  /** Runs `work` on one unchanging view of the data. */
  snapshot<T>(work: (read: Reader) => Promise<T>): Promise<T>;

  readonly apiKeys: ApiKeys;

  readonly statusChecks: StatusChecks;

  readonly audit: AuditLog;

  readonly erasures: Erasures;

  /** @throws {StoreUnavailableError} unless the database answers and every migration has been applied. */
  assertReady(): Promise<void>;

  /** Lets waiting writes commit, then closes. */
  close(): Promise<void>;
}

// ── Ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────────
// ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CreateUser {
  readonly externalUserId: string | null;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
}

export interface ReplayDeliveries {
  readonly selection: ReplaySelection;
  readonly dryRun: boolean;
  /** Actor in the change log. See `ChangeCause.actor`. */
  readonly changeActor: string;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
  /** Reads a kept delivery as the adapters understand it now. @throws {GatewayError} if nothing can read it. */
  readonly reread: (delivery: StoredDelivery) => Reading;
}

/** All given conditions hold. */
export interface ReplaySelection {
  readonly ids?: readonly number[];
  readonly provider?: ProviderId;
  readonly disposition?: Disposition;
  readonly receivedFrom?: Date;
  readonly receivedBefore?: Date;
}

export interface ReplayOutcome {
  /** How many were selected. */
  readonly deliveries: number;
  /** Deliveries whose disposition is now another, in the order of receipt. */
  readonly dispositionChanges: readonly {
    readonly deliveryId: number;
    readonly before: Disposition;
    readonly after: Disposition;
  }[];
  /** Deliveries that were left as they were, and why, in the order of receipt. */
  readonly failed: readonly { readonly deliveryId: number; readonly reason: QuarantineReason }[];
  /** What was (or with `dryRun` would be) written to the log; `seq` is provisional with `dryRun`. */
  readonly changes: readonly Change[];
}

export interface RotateDataKeys {
  readonly auditActor: string;
  readonly now: () => Date;
  /** @param progress - `of` may grow: others add to what there is. */
  readonly onProgress: (progress: { readonly done: number; readonly of: number }) => void;
}

export interface RotationOutcome {
  /** Id of the master key under which it was brought. */
  readonly current: string;
  /** How much was, by this run. */
  readonly done: number;
  /** Rows, by table and id, that somebody has changed who has not the key: nobody can read them. */
  readonly unreadable: readonly string[];
  /** What every key holds now. */
  readonly holdings: readonly KeyHoldings[];
  /** Keys that hold nothing any more, and without which the gateway starts from now on. */
  readonly free: readonly string[];
}

/** How much lies directly under a master key. */
export interface KeyHoldings {
  /** Id of the key. */
  readonly id: string;
  /** Of identities. */
  readonly dataKeys: number;
  /** Of deliveries that belong to no identity. */
  readonly bodies: number;
  /** Of this database. */
  readonly secrets: number;
}

export interface ApiKeys {
  /** @param hash - SHA-256 of the key, hex. */
  create(input: {
    readonly name: string;
    readonly prefix: string;
    readonly hash: string;
    readonly scopes: readonly string[];
    /** Actor in the audit log. See `AuditAct.actor`. */
    readonly auditActor: string;
    readonly now: Date;
  }): Promise<ApiKeyRow>;
  list(): Promise<readonly ApiKeyRow[]>;
  findByHash(hash: string): Promise<ApiKeyRow | null>;
  /** Which of these keys are revoked or gone. */
  revokedAmong(ids: readonly number[]): Promise<ReadonlySet<number>>;
  /**
   * @param prefix - The public part of the key. Answers whether there was such a live key.
   * @param auditActor - Actor in the audit log. See `AuditAct.actor`.
   */
  revoke(prefix: string, auditActor: string, now: Date): Promise<boolean>;
}

export interface ApiKeyRow {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

// ── The audit log ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Acts that change the store are written down by the store itself, together with what they change. */
export interface AuditLog {
  /**
   * Writes down what is done outside of the store, such as showing personal data: to be called before. Resolves after the
   * commit; what is asked for at one time is committed together.
   *
   * @throws {StoreUnavailableError} if nothing was written.
   */
  record(acts: readonly AuditAct[]): Promise<void>;

  /** Walks the whole chain. @param expected - A head that was noted earlier; `null` if there is none. */
  verify(expected: AuditHead | null): Promise<AuditProof>;
}

export type AuditProof =
  | { readonly ok: true; readonly entries: number; readonly head: AuditHead }
  /** `seq`: the first entry that does not stand as it was written. */
  | { readonly ok: false; readonly seq: number; readonly fault: AuditFault };

/**
 * `MISSING`: there is none of this number, but later ones; `PREVIOUS`: it follows upon another entry than the one before it;
 * `HASH`: its content is not what was written; `CUT_OFF`: the log ends before it, though it was longer once; `UNEXPECTED`:
 * it is sound, and another one than was expected.
 */
export type AuditFault = 'MISSING' | 'PREVIOUS' | 'HASH' | 'CUT_OFF' | 'UNEXPECTED';

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

// ── Asking the vendors ──────────────────────────────────────────────────────────────────────────────────────────────

/** Whom the vendors may have to be asked about, and who asks. */
export interface StatusChecks {
  /** A page of attempts of one kind, the one that has stood longest first. */
  candidates(query: CandidateQuery): Promise<readonly Candidate[]>;

  /** One for each account of the user, and one for each of its open actions. */
  candidatesForUser(userId: number): Promise<readonly Candidate[]>;

  /**
   * Stores that these are being asked about now. Returns those that no other process has claimed within `apartMs`, so that
   * no two status checks of one account, or of one action, run at the same time.
   */
  claim<One extends Claimed>(
    claimed: readonly One[],
    now: Date,
    apartMs: number,
  ): Promise<readonly One[]>;

  /** They were not asked about after all. */
  disclaim(claimed: readonly Claimed[]): Promise<void>;

  /** Makes `holder` the one that asks, for `forMs` from now. `false` where another one is. */
  lease(holder: string, now: Date, forMs: number): Promise<boolean>;

  /** Lets go, so that another one need not wait. */
  release(holder: string): Promise<void>;
}

/**
 * `UNCONFIRMED`: an approval that only a static secret vouches for, or that an answer has taken back; `OPEN`: not decided;
 * `QUIET`: whatever it came to.
 */
export type CandidateKind = 'UNCONFIRMED' | 'OPEN' | 'QUIET';

export interface CandidateQuery {
  readonly kind: CandidateKind;
  /** Only attempts that have stood as they are since before this time, by the vendor's clock; absent: all. */
  readonly updatedBefore?: Instant | undefined;
  /** Behind this one. */
  readonly after?: Pick<Candidate, 'updatedAt' | 'attemptId'> | undefined;
  readonly limit: number;
}

/** An account, or one action of it. */
export interface Claimed {
  readonly identityId: number;
  /** ID of the attempt, if it is an action. */
  readonly actionId: number | null;
}

export interface Candidate extends Claimed {
  readonly userId: number;
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly state: AccountState;
  readonly attemptId: number;
  /** The provider's ID of the attempt, if it sends one. */
  readonly attemptRef: string | null;
  readonly levelKind: LevelKind;
  readonly sandbox: boolean;
  readonly updatedAt: Instant;
  /** The latest of all attempts of the identity. */
  readonly lastReceivedAt: Instant;
  /** When the vendor was last asked about it. */
  readonly lastCheckedAt: Date | null;
}
