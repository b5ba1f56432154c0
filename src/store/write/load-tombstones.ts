/** Loads the tombstones of the users and identities that deliveries refer to. */

import type { IncomingDelivery } from '../../domain/delivery';
import { toUserKey } from '../../projector/erased-subjects';
import { pairKey, type UnitOfWork } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { createRowReader } from '../entities/columns';
import { ErasedSubjectEntity } from '../entities/erased-subject.entity';
import type { ErasureDigests } from '../keys/erasure-digests';

/** Rows of `erased_subjects t`. */
export const TOMBSTONE = createRowReader(ErasedSubjectEntity, 't', { dates: ['erasedAt'] });

/**
 * Loads the erasure times of the subjects and external user IDs in the deliveries and in loaded events. Includes erased
 * users that exist again. Runs at most one statement. Runs none if all keys were already looked up or nothing was erased.
 */
export async function loadTombstones(
  unit: UnitOfWork,
  connection: Connection,
  erasureDigests: ErasureDigests,
  deliveries: readonly IncomingDelivery[],
): Promise<void> {
  if (!unit.hasErasures) return;
  const keysByDigest = new Map<string, string>();
  const check = (key: string, toDigest: () => string) => {
    if (unit.checkedTombstones.has(key)) return;
    unit.checkedTombstones.add(key);
    keysByDigest.set(toDigest(), key);
  };
  const checkUser = (externalUserId: string | undefined) => {
    if (externalUserId === undefined) return;
    check(toUserKey(externalUserId), () => erasureDigests.externalUser(externalUserId));
  };
  for (const externalUserId of unit.referencedExternalIds) checkUser(externalUserId);
  unit.referencedExternalIds.clear();
  for (const { provider, reading } of deliveries) {
    if (reading.kind !== 'EVENTS') continue;
    for (const { subjectRef, externalUserId } of reading.events) {
      check(pairKey(provider, subjectRef), () => erasureDigests.subject(provider, subjectRef));
      checkUser(externalUserId);
    }
  }
  if (keysByDigest.size === 0) return;
  const rows = await connection.query<object>(
    `SELECT ${TOMBSTONE.select} FROM erased_subjects t WHERE t.digest IN (?*)`,
    [[...keysByDigest.keys()]],
  );
  for (const { digest, erasedAt } of rows.map(TOMBSTONE.toRow)) {
    unit.tombstones.set(keysByDigest.get(digest) ?? '', erasedAt);
  }
}
