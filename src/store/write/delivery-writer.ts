/** Stores and applies deliveries in groups: loads the affected rows, projects them in memory and saves them. */

import type { IncomingDelivery, QuarantineReason, RecordOutcome } from '../../domain/delivery';
import { AccountTooLargeError } from '../../domain/errors';
import type { ProjectionRules, StateRules } from '../../domain/fold/user';
import type { KeyRing } from '../../encryption/key-ring';
import { createLookup, recordDelivery } from '../../projector/record-delivery';
import {
  clearChanges,
  createUnitOfWork,
  evictDeliveries,
  pairKey,
  type UnitOfWork,
} from '../../projector/unit-of-work';
import type { RecordingDatabase } from '../database/database';
import type { DedupDigests } from '../keys/dedup-digests';
import type { ErasureDigests } from '../keys/erasure-digests';
import { GroupCommit } from './group-commit';
import { load } from './load';
import { loadTombstones } from './load-tombstones';

export interface DeliveryWriter extends Pick<GroupCommit<never, never>, 'transaction' | 'close'> {
  /** See `Store.record`. */
  record(delivery: IncomingDelivery): Promise<RecordOutcome>;
}

export interface DeliveryWriterOptions {
  readonly database: RecordingDatabase;
  readonly keyRing: KeyRing;
  readonly dedupDigests: DedupDigests;
  readonly erasureDigests: ErasureDigests;
  readonly rules: StateRules;
  readonly clock: () => Date;
  /** Called after the commit of each group, with its size and duration. */
  readonly onCommit?: ((deliveries: number, durationMs: number) => void) | undefined;
  /** Called if the outcome of a commit is unknown. The process must exit: only a restart recovers. */
  readonly onFatal: (error: unknown) => void;
  /** Called if an internal error prevented a delivery from being applied. The delivery is quarantined. */
  readonly onSalvage: (error: unknown) => void;
}

/** Large enough to share one flush among many deliveries, small enough that the first does not wait long. */
const MAX_GROUP = 256;
/** Maximum size of the bodies of a group. While it is written, a group is in memory several times. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Maximum number of users and deliveries that stay in memory between groups, and maximum size of their history. */
const MAX_KNOWN = 2_000;
const MAX_KNOWN_BYTES = 32 * 1024 * 1024;

/**
 * Creates the writer. Between groups, it keeps the unit of work in memory: without it, each event of a user with a long history
 * would load that history again. With 1,800 events of one user on PostgreSQL, this is 190 deliveries per second instead of 44.
 */
export function createDeliveryWriter(
  options: DeliveryWriterOptions,
): DeliveryWriter & Pick<GroupCommit<never, never>, 'alone'> {
  const { database, keyRing, dedupDigests, erasureDigests, clock, onCommit, onFatal, onSalvage } =
    options;
  let unit = createUnitOfWork();
  /** Bytes of the unit of work after its first group. If undefined, it has no group yet. */
  let initialBytes: number | undefined;
  const queue = new GroupCommit<IncomingDelivery, RecordOutcome>({
    connection: database.writing,
    write,
    onStale: reset,
    salvage(delivery, error) {
      onSalvage(error);
      return { ...delivery, reading: toQuarantined(delivery, error) };
    },
    onCommit,
    onFatal,
    maxGroup: MAX_GROUP,
    maxGroupSize: MAX_GROUP_BYTES,
    sizeOf: ({ rawBody }) => rawBody.length,
  });

  return {
    record: (delivery) => queue.add({ ...delivery, reading: dedupDigests(delivery.reading) }),
    alone: (work) => queue.alone(work),
    transaction: (work) => queue.transaction(work),
    close: () => queue.close(),
  };

  /** Reads what the deliveries touch, applies them in memory and saves the result. */
  async function write(deliveries: readonly IncomingDelivery[]): Promise<readonly RecordOutcome[]> {
    if ((await database.isStale()) || isFull()) reset();
    const lookup = omitLoaded(unit, createLookup(deliveries));
    await load(unit, database.writing, keyRing, lookup);
    await loadTombstones(unit, database.writing, erasureDigests, deliveries);
    initialBytes ??= unit.bytes;
    const rules: ProjectionRules = { ...options.rules, now: clock() };
    const outcomes = deliveries.map((delivery) => recordDelivery(unit, delivery, keyRing, rules));
    await database.save(unit);
    const written = [...unit.newDeliveries];
    clearChanges(unit);
    evictDeliveries(unit, written);
    return outcomes;
  }

  function reset(): void {
    unit = createUnitOfWork();
    initialBytes = undefined;
  }

  /** Does not count what the first group loaded: a large account is not loaded again for every group. */
  function isFull(): boolean {
    const rows = unit.users.size + unit.deliveriesById.size;
    return rows > MAX_KNOWN || unit.bytes - (initialBytes ?? 0) > MAX_KNOWN_BYTES;
  }
}

/** Returns the part of a lookup that is not in the unit of work yet, so that no history is loaded twice. */
function omitLoaded(unit: UnitOfWork, lookup: ReturnType<typeof createLookup>): typeof lookup {
  return {
    ...lookup,
    subjects: lookup.subjects.filter((subject) => !unit.identities.has(pairKey(...subject))),
    externalUserIds: lookup.externalUserIds.filter(
      (id) => !unit.usersByExternalId.has(id) && !unit.checkedExternalIds.has(id),
    ),
  };
}

/** Quarantines a delivery that an internal error prevented from being applied. It can be replayed after the fix. */
function toQuarantined({ reading }: IncomingDelivery, error: unknown): IncomingDelivery['reading'] {
  return {
    kind: 'QUARANTINED',
    eventType: reading.eventType,
    duplicateKey: reading.duplicateKey,
    mayRecur: true, // if the provider sends it again after the fix, it is applied, not counted as a duplicate
    reason: toReason(error),
  };
}

/** Omits the message of an unexpected error, because it may contain personal data. It is only logged. */
function toReason(error: unknown): QuarantineReason {
  if (error instanceof AccountTooLargeError) return { code: error.code, message: error.message };
  return {
    code: 'INTERNAL',
    message: 'The gateway failed to apply this delivery. Replay it after the fix.',
  };
}
