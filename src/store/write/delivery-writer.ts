/** Keeps deliveries and applies them, group by group: reads what a group touches, folds it in memory, writes it. */

import type { IncomingDelivery, QuarantineReason, RecordOutcome } from '../../domain/delivery';
import { AccountTooLargeError } from '../../domain/errors';
import type { ProjectionRules, StateRules } from '../../domain/fold/user';
import type { KeyRing } from '../../encryption/key-ring';
import { createLookup, recordDelivery } from '../../projector/record-delivery';
import {
  clearChanges,
  createUnitOfWork,
  evictDeliveries,
  type KnownDelivery,
  pairKey,
  type UnitOfWork,
} from '../../projector/unit-of-work';
import type { Connection, RecordingDatabase } from '../database/database';
import type { DedupDigests } from '../keys/dedup-digests';
import type { ErasureDigests } from '../keys/erasure-digests';
import { createGroupCommit, type GroupCommit, type PipelinedDraft } from './group-commit';
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
  /** Told of every group that was committed, and how long that took. */
  readonly onCommit?: ((deliveries: number, durationMs: number) => void) | undefined;
  /** A commit failed: the process must end, a restart is the repair. */
  readonly onFatal: (error: unknown) => void;
  /** Told when a delivery could not be applied for a fault of ours and was quarantined instead. */
  readonly onSalvage: (error: unknown) => void;
}

/** Enough to share one flush among many, few enough that the first does not wait long for the last. */
const MAX_GROUP = 256;
/** A group is in memory several times over while it is written. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Users and deliveries that stay in memory from one group to the next, and the weight of what was loaded for them. */
const MAX_KNOWN = 2_000;
const MAX_KNOWN_BYTES = 32 * 1024 * 1024;

export function createDeliveryWriter(
  options: DeliveryWriterOptions,
): DeliveryWriter & Pick<GroupCommit<never, never>, 'alone'> {
  const { database, keyRing, dedupDigests, erasureDigests, clock, onCommit, onFatal, onSalvage } =
    options;
  const { writing, loading } = database;
  const queue = createGroupCommit<IncomingDelivery, RecordOutcome>({
    connection: writing,
    openDraft,
    write: recordGroup,
    salvage(delivery, error) {
      onSalvage(error);
      return { ...delivery, reading: salvaged(delivery, error) };
    },
    onCommit,
    onFatal,
    maxGroup: MAX_GROUP,
    maxGroupSize: MAX_GROUP_BYTES,
    sizeOf: ({ rawBody }) => rawBody.length,
  });

  return {
    record: (delivery) => queue.add({ ...delivery, reading: dedupDigests(delivery.reading) }),
    alone: queue.alone,
    transaction: queue.transaction,
    close: queue.close,
  };

  /**
   * Stands on what it has read and written itself. It notices when somebody else has written: another process, or other
   * work of the queue's, after which there is a new one.
   */
  function openDraft(): PipelinedDraft<IncomingDelivery, RecordOutcome> {
    const unit = createUnitOfWork();
    let version: number | null = null;
    let bytesAtFirst: number | undefined;
    let written: readonly KnownDelivery[] = [];
    return {
      async read(deliveries) {
        version ??= await database.version();
        const apply = await read(unit, loading, deliveries);
        bytesAtFirst ??= unit.bytes;
        return apply;
      },
      async write() {
        const saved = database.save(unit, version);
        const writing = [...unit.newDeliveries];
        clearChanges(unit);
        version = await saved;
        // One write later: a group that is being read may have looked for them on the disk before they were there.
        evictDeliveries(unit, written);
        written = writing;
      },
      // An account that is large in itself is not loaded again for every group.
      isFull: () =>
        unit.users.size + unit.deliveriesById.size > MAX_KNOWN ||
        unit.bytes - (bytesAtFirst ?? 0) > MAX_KNOWN_BYTES,
    };
  }

  async function recordGroup(
    deliveries: readonly IncomingDelivery[],
  ): Promise<readonly RecordOutcome[]> {
    const unit = createUnitOfWork();
    const apply = await read(unit, writing, deliveries);
    const outcomes = apply();
    await database.save(unit, null);
    return outcomes;
  }

  /** Reads what the deliveries touch; what it answers applies them. */
  async function read(
    unit: UnitOfWork,
    connection: Connection,
    deliveries: readonly IncomingDelivery[],
  ): Promise<() => readonly RecordOutcome[]> {
    await load(unit, connection, keyRing, unknownTo(unit, createLookup(deliveries)));
    await loadTombstones(unit, connection, erasureDigests, deliveries);
    return () => {
      const rules: ProjectionRules = { ...options.rules, now: clock() };
      return deliveries.map((delivery) => recordDelivery(unit, delivery, keyRing, rules));
    };
  }
}

/** What of it the unit of work does not contain. A history that is in the unit of work is not loaded again. */
function unknownTo(unit: UnitOfWork, lookup: ReturnType<typeof createLookup>): typeof lookup {
  return {
    ...lookup,
    subjects: lookup.subjects.filter((subject) => !unit.identities.has(pairKey(...subject))),
    externalUserIds: lookup.externalUserIds.filter(
      (id) => !unit.usersByExternalId.has(id) && !unit.checkedExternalIds.has(id),
    ),
  };
}

/** A fault of ours must not cost a delivery: it is kept unread, to be replayed once the fault is mended. */
function salvaged({ reading }: IncomingDelivery, error: unknown): IncomingDelivery['reading'] {
  return {
    kind: 'QUARANTINED',
    eventType: reading.eventType,
    duplicateKey: reading.duplicateKey,
    mayRecur: true, // once that is mended, the vendor's own repeat is to be applied, not counted
    reason: reasonOf(error),
  };
}

/** The text of an unexpected error may contain personal data: it goes to the log alone. */
function reasonOf(error: unknown): QuarantineReason {
  if (error instanceof AccountTooLargeError) return { code: error.code, message: error.message };
  return {
    code: 'INTERNAL',
    message: 'the gateway failed to apply it; replay it once that is mended',
  };
}
