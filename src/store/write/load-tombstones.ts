/** Knows those who were erased when they are spoken of again. */

import type { IncomingDelivery } from '../../domain/delivery';
import { toUserKey } from '../../projector/erased-subjects';
import { pairKey, type UnitOfWork } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import type { ErasureDigests } from '../keys/erasure-digests';

/**
 * Reads into the unit of work when those were erased of whom the deliveries speak, or whom an event in it names, also where they are
 * there again. One statement, and none where all were asked about before, or nobody was ever erased.
 */
export async function loadTombstones(
  unit: UnitOfWork,
  connection: Connection,
  erasureDigests: ErasureDigests,
  deliveries: readonly IncomingDelivery[],
): Promise<void> {
  if (!unit.hasErasures) return;
  const names = new Map<string, string>();
  const ask = (name: string, toDigest: () => string) => {
    if (unit.checkedTombstones.has(name)) return;
    unit.checkedTombstones.add(name);
    names.set(toDigest(), name);
  };
  const askUser = (externalUserId: string | undefined) => {
    if (externalUserId === undefined) return;
    ask(toUserKey(externalUserId), () => erasureDigests.externalUser(externalUserId));
  };
  for (const externalUserId of unit.referencedExternalIds) askUser(externalUserId);
  unit.referencedExternalIds.clear();
  for (const { provider, reading } of deliveries) {
    if (reading.kind !== 'EVENTS') continue;
    for (const { subjectRef, externalUserId } of reading.events) {
      ask(pairKey(provider, subjectRef), () => erasureDigests.subject(provider, subjectRef));
      askUser(externalUserId);
    }
  }
  if (names.size === 0) return;
  const rows = await connection.query<{ digest: string; erased_at: string }>(
    'SELECT digest, erased_at FROM erased_subjects WHERE digest IN (?*)',
    [[...names.keys()]],
  );
  for (const { digest, erased_at } of rows) {
    unit.tombstones.set(names.get(digest) ?? '', new Date(erased_at));
  }
}
