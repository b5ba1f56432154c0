/** Checks that the configuration has every master key that encrypts data in the database. */

import { ConfigError } from '../../domain/errors';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { addSetting, allSettings } from '../database/settings';
import { loadSecrets } from './encrypted-secret';

/** Columns with the ID of the master key, for all that a master key encrypts directly, except the secrets in the settings. */
export const MASTER_KEY_COLUMNS = {
  dataKeys: { table: 'identity_keys', keyId: 'data_key_id' },
  bodies: { table: 'deliveries', keyId: 'body_key_id' },
} as const;

const PROBE = Buffer.from('kyc-gateway');
const PROBE_NAME = 'data_key:';

/**
 * Checks each master key in use. From the first use of a key until it encrypts nothing, the settings contain a probe encrypted with
 * it. So a missing or changed key is found at startup, even if no row is decrypted.
 *
 * @returns the IDs of older keys that may still encrypt data.
 * @throws {ConfigError} With each key that is missing or has changed.
 */
export async function checkKeys(
  connection: Connection,
  keyRing: KeyRing,
): Promise<readonly string[]> {
  const probes = await loadProbes(connection);
  const inUse = [...new Set([...probes.keys(), ...(await findKeysInUse(connection))])];
  const faults = inUse.flatMap((id) => findFaults(keyRing, id, probes.get(id)));
  if (faults.length > 0) throw new ConfigError(faults);
  const { id, cipher } = keyRing.current;
  if (!probes.has(id)) {
    const probe = cipher.encrypt(PROBE, 'probe').toString('base64');
    await addSetting(connection, PROBE_NAME + id, probe);
  }
  return inUse.filter((used) => used !== id).sort();
}

/** Returns the probes by key ID. */
async function loadProbes(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const settings = await allSettings(connection);
  return new Map(
    settings.flatMap(({ name, value }) =>
      name.startsWith(PROBE_NAME) ? [[name.slice(PROBE_NAME.length), value]] : [],
    ),
  );
}

/** Allows a start without this key. The caller ensures that it encrypts nothing. */
export async function deleteProbe(connection: Connection, id: string): Promise<void> {
  await connection.query('DELETE FROM settings WHERE name = ?', [PROBE_NAME + id]);
}

function findFaults(keyRing: KeyRing, id: string, probe: string | undefined): readonly string[] {
  if (!keyRing.has(id)) {
    return [
      `DATA_KEYS: key "${id}" is missing but still encrypts data in this database. Add it back.`,
    ];
  }
  if (probe === undefined) return [];
  try {
    keyRing.getCipher(id).decrypt(Buffer.from(probe, 'base64'), 'probe');
    return [];
  } catch {
    return [
      `DATA_KEYS: key "${id}" is not the key that encrypts data in this database. Restore its value.`,
    ];
  }
}

// ── Usage ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns the IDs of all keys that encrypt data. Steps from key to key along the indexes, without reading the rows between. */
async function findKeysInUse(connection: Connection): Promise<readonly string[]> {
  const ids = (await loadSecrets(connection)).map(({ keyId }) => keyId);
  for (const { table, keyId } of Object.values(MASTER_KEY_COLUMNS)) {
    for (let last = ''; ; ) {
      const [row] = await connection.query<{ id: string | null }>(
        `SELECT min(${keyId}) AS id FROM ${table} WHERE ${keyId} > ?`,
        [last],
      );
      if (row?.id == null) break;
      last = row.id;
      ids.push(last);
    }
  }
  return [...new Set(ids)];
}

/** Counts what each key encrypts, in the order of key IDs. */
export async function countKeyUsage(connection: Connection): Promise<readonly KeyUsage[]> {
  const secrets = await loadSecrets(connection);
  const dataKeys = await countRows(connection, 'dataKeys');
  const bodies = await countRows(connection, 'bodies');
  return [...(await findKeysInUse(connection))].sort().map((id) => ({
    id,
    dataKeys: dataKeys.get(id) ?? 0,
    bodies: bodies.get(id) ?? 0,
    secrets: secrets.filter(({ keyId }) => keyId === id).length,
  }));
}

async function countRows(
  connection: Connection,
  what: keyof typeof MASTER_KEY_COLUMNS,
): Promise<ReadonlyMap<string, number>> {
  const { table, keyId } = MASTER_KEY_COLUMNS[what];
  const rows = await connection.query<{ id: string; n: number }>(
    `SELECT ${keyId} AS id, count(*) AS n FROM ${table} WHERE ${keyId} IS NOT NULL GROUP BY ${keyId}`,
  );
  return new Map(rows.map(({ id, n }) => [id, n]));
}

/** Numbers of items that a master key encrypts directly. */
export interface KeyUsage {
  /** ID of the key. */
  readonly id: string;
  /** Data keys of identities. */
  readonly dataKeys: number;
  /** Bodies of deliveries without an identity. */
  readonly bodies: number;
  /** Secrets of this database. */
  readonly secrets: number;
}
