/**
 * Keyed digests that identify duplicates. They are stored without encryption. An attacker could find the names in a plain digest
 * by trying names, so the digests use a secret of this database.
 */

import { createHmac } from 'node:crypto';
import type { Reading } from '../../domain/delivery';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { loadSecret } from './encrypted-secret';

/** Replaces the duplicate key of a reading with the key to store. */
export type DedupDigests = (reading: Reading) => Reading;

/** The secret stays the same when the master key is rotated, so that duplicates are still recognized. */
export async function loadDedupDigests(
  connection: Connection,
  keyRing: KeyRing,
): Promise<DedupDigests> {
  const secret = await loadSecret(connection, keyRing, 'dedup_secret');
  return (reading) => ({
    ...reading,
    duplicateKey: toTimePrefix(reading) + digest(secret, reading.duplicateKey),
  });
}

function digest(secret: Buffer, duplicateKey: string): string {
  return createHmac('sha256', secret).update(duplicateKey).digest('base64url');
}

/**
 * Returns the second of the first event. Keys in the order of time are inserted at the end of the index, which is in memory. Digests
 * alone are inserted anywhere, so that each insert into a large index reads a page from disk and writes it back.
 */
function toTimePrefix(reading: Reading): string {
  const occurredAt = reading.kind === 'EVENTS' ? reading.events[0]?.occurredAt : undefined;
  return occurredAt === undefined ? '' : `${occurredAt.slice(0, 19)} `;
}
