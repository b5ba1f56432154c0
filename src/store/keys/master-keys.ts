/** Which master keys the data lies under, and whether the configuration has them. */

import { ConfigError } from '../../domain/errors';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { addSetting, allSettings } from '../database/settings';
import { secretsIn } from './encrypted-secret';

/** What lies directly under a master key, beside the secrets among the settings, and which column names the key. */
export const UNDER_MASTER_KEYS = {
  dataKeys: { table: 'identity_keys', keyId: 'data_key_id' },
  bodies: { table: 'deliveries', keyId: 'body_key_id' },
} as const;

const PROBE = Buffer.from('kyc-gateway');
const PROBE_NAME = 'data_key:';

/**
 * A probe lies under every master key from its first use until nothing does any more, so that a missing or mistaken one
 * is found at the start, and so is one that somebody has used since.
 *
 * @returns the keys under which something may lie, without the current one.
 * @throws {ConfigError} naming each key that is missing or is another one than it was.
 */
export async function checkKeys(
  connection: Connection,
  keyRing: KeyRing,
): Promise<readonly string[]> {
  const probes = await probesIn(connection);
  const inUse = [...new Set([...probes.keys(), ...(await keysInUse(connection))])];
  const faults = inUse.flatMap((id) => faultOf(keyRing, id, probes.get(id)));
  if (faults.length > 0) throw new ConfigError(faults);
  const { id, cipher } = keyRing.current;
  if (!probes.has(id)) {
    const probe = cipher.encrypt(PROBE, 'probe').toString('base64');
    await addSetting(connection, PROBE_NAME + id, probe);
  }
  return inUse.filter((used) => used !== id).sort();
}

/** By id of the key. */
async function probesIn(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const settings = await allSettings(connection);
  return new Map(
    settings.flatMap(({ name, value }) =>
      name.startsWith(PROBE_NAME) ? [[name.slice(PROBE_NAME.length), value]] : [],
    ),
  );
}

/** From here on, a start without this key is not refused. To be called where nothing lies under it. */
export async function dropProbe(connection: Connection, id: string): Promise<void> {
  await connection.query('DELETE FROM settings WHERE name = ?', [PROBE_NAME + id]);
}

function faultOf(keyRing: KeyRing, id: string, probe: string | undefined): readonly string[] {
  if (!keyRing.has(id)) {
    return [`DATA_KEYS: expected the key with id ${id}: data in the database lies under it`];
  }
  if (probe === undefined) return [];
  try {
    keyRing.getCipher(id).decrypt(Buffer.from(probe, 'base64'), 'probe');
    return [];
  } catch {
    return [`DATA_KEYS: expected the key with id ${id} to be the one that the data lies under`];
  }
}

// ── What lies under which ───────────────────────────────────────────────────────────────────────────────────────────

/** From key to key along the indexes: what lies under them is not looked at. */
async function keysInUse(connection: Connection): Promise<readonly string[]> {
  const ids = (await secretsIn(connection)).map(({ keyId }) => keyId);
  for (const { table, keyId } of Object.values(UNDER_MASTER_KEYS)) {
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

/** What each key holds under which anything lies, in the order of their ids. */
export async function toKeyHoldings(connection: Connection): Promise<readonly KeyHoldings[]> {
  const secrets = await secretsIn(connection);
  const dataKeys = await countsOf(connection, 'dataKeys');
  const bodies = await countsOf(connection, 'bodies');
  return [...(await keysInUse(connection))].sort().map((id) => ({
    id,
    dataKeys: dataKeys.get(id) ?? 0,
    bodies: bodies.get(id) ?? 0,
    secrets: secrets.filter(({ keyId }) => keyId === id).length,
  }));
}

async function countsOf(
  connection: Connection,
  what: keyof typeof UNDER_MASTER_KEYS,
): Promise<ReadonlyMap<string, number>> {
  const { table, keyId } = UNDER_MASTER_KEYS[what];
  const rows = await connection.query<{ id: string; n: number }>(
    `SELECT ${keyId} AS id, count(*) AS n FROM ${table} WHERE ${keyId} IS NOT NULL GROUP BY ${keyId}`,
  );
  return new Map(rows.map(({ id, n }) => [id, n]));
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
