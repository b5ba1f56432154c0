/**
 * The keys by which a delivery is known when it comes again. They stand in the clear, and a plain digest of a message
 * that holds a name or an address is found by trying names: so they are made with a secret of this database.
 */

import { createHmac } from 'node:crypto';
import type { Connection } from './connection';
import type { KeyRing } from './key-ring';
import type { Reading } from './store';

/** Puts the key to be kept in the place of the one that was read. */
export type Keyed = (reading: Reading) => Reading;

/** Makes the secret if there is none yet. It stays as it is when the master key is exchanged: repeats must be known. */
export async function loadRepeatKeys(connection: Connection, keyRing: KeyRing): Promise<Keyed> {
  const secret = (await readSecret(connection, keyRing)) ?? (await makeSecret(connection, keyRing));
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

async function readSecret(connection: Connection, keyRing: KeyRing): Promise<Buffer | undefined> {
  const [row] = await connection.query<{ value: string }>(
    "SELECT value FROM settings WHERE name = 'repeat_secret'",
  );
  if (row === undefined) return undefined;
  const [masterId = '', wrapped = ''] = row.value.split(':');
  const master = keyRing.master(masterId);
  if (master === undefined) throw new Error(`DATA_KEYS lacks the key with id ${masterId}`);
  return master.open(Buffer.from(wrapped, 'base64'), 'data-key');
}

async function makeSecret(connection: Connection, keyRing: KeyRing): Promise<Buffer> {
  const { dataKey, dataKeyId } = keyRing.createDataKey();
  // Another process may have been first: then its secret holds.
  await connection.query(
    "INSERT OR IGNORE INTO settings (name, value) VALUES ('repeat_secret', ?)",
    [`${dataKeyId}:${dataKey.toString('base64')}`],
  );
  const secret = await readSecret(connection, keyRing);
  if (secret === undefined) throw new Error('the secret has just been written');
  return secret;
}
