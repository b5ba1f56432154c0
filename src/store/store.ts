/** Store interface: all that the gateway reads and writes, in domain terms. */

import type { IncomingDelivery, RecordOutcome } from '../domain/delivery';
import type { ApiKeys } from './api-keys';
import type { AuditLog } from './audit/log';
import type { Database } from './database/database';
import type { Erasures } from './erasure/erasures';
import type { RotateDataKeys, RotationOutcome } from './keys/rotate';
import type { Reader } from './read/reader';
import type { ReplayDeliveries, ReplayOutcome } from './replay/replay-deliveries';
import type { StatusChecks } from './status-checks';
import type { Commands } from './write/commands';

export interface Store extends Commands {
  /** Identifies the change log in cursors. Created with the database, and permanent. */
  readonly logId: string;

  /**
   * Stores an authentic delivery and its effects in one transaction, which deliveries that wait at the same time share.
   * Resolves after the commit.
   *
   * @throws {StoreUnavailableError} If nothing was stored.
   */
  record(delivery: IncomingDelivery): Promise<RecordOutcome>;

  /**
   * Applies stored deliveries again, as `reread` parses them now. With `dryRun`, changes nothing.
   *
   * Runs in steps, so that new deliveries are stored in between. An interrupted replay keeps its finished steps; the same
   * replay completes the rest and repeats nothing.
   *
   * @throws {StoreUnavailableError} If the database becomes unavailable.
   * @throws {ConfigError} If another process has changed the projection rules.
   */
  replay(input: ReplayDeliveries): Promise<ReplayOutcome>;

  /**
   * Re-encrypts everything under older master keys with the current one, in steps, while others read and write. An interrupted
   * rotation keeps its finished steps; the next one completes the rest.
   *
   * @throws {ConfigError} If a key is missing.
   * @throws {StoreUnavailableError} If the database becomes unavailable.
   */
  rotateDataKeys(input: RotateDataKeys): Promise<RotationOutcome>;

  /** Writes the expiry of verifications that ended by `now`. Returns the number of changes. */
  expire(now: Date): Promise<number>;

  /** Deletes log entries recorded before `before`. Older cursors then return CURSOR_EXPIRED. Returns the number deleted. */
  trimLog(before: Date): Promise<number>;

  /** Reads. Each call has a snapshot of its own. */
  readonly read: Reader;

  /** Runs a query as one statement that returns JSON, with one field per root field of the query. Null if the engine has none. */
  readonly queryJson: Database['queryJson'];

  /** Runs `work` on one snapshot. */
  snapshot<T>(work: (read: Reader) => Promise<T>): Promise<T>;

  readonly apiKeys: ApiKeys;

  readonly statusChecks: StatusChecks;

  readonly audit: AuditLog;

  readonly erasures: Erasures;

  /** @throws {StoreUnavailableError} If the database does not respond or a migration is pending. */
  assertReady(): Promise<void>;

  /** Commits waiting writes, then closes the database. */
  close(): Promise<void>;
}
