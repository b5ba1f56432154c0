/**
 * The keys by which a delivery is known when it comes again. They stand in the clear, and a plain digest of a message
 * that holds a name or an address is found by trying names: so they are made with a secret of this database.
 */

import { createHmac } from 'node:crypto';
import type { Reading } from '../../domain/delivery';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { loadSecret } from './encrypted-secret';

/** Puts the key to be kept in the place of the one that was read. */
export type DedupDigests = (reading: Reading) => Reading;

/** The secret stays as it is when the master key is exchanged: repeats must be known. */
export async function loadDedupDigests(
  connection: Connection,
  keyRing: KeyRing,
): Promise<DedupDigests> {
  const secret = await loadSecret(connection, keyRing, 'repeat_secret');
  return (reading) => ({
    ...reading,
    duplicateKey: timeOf(reading) + digest(secret, reading.duplicateKey),
  });
}

function digest(secret: Buffer, duplicateKey: string): string {
  return createHmac('sha256', secret).update(duplicateKey).digest('base64url');
}

/**
 * Keys in the order of time go to the end of an index, which is in memory; a digest alone goes anywhere, and a large index
 * would be read from the disk and written back a page for each.
 */
function timeOf(reading: Reading): string {
  const occurredAt = reading.kind === 'EVENTS' ? reading.events[0]?.occurredAt : undefined;
  return occurredAt === undefined ? '' : `${occurredAt.slice(0, 19)} `;
}
