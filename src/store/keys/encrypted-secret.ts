/** Secrets of a database. Created once, encrypted with a master key, and stored in the settings as `<master key ID>:<base64>`. */

import { InvariantError } from '../../domain/errors';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { addSetting, allSettings, readSetting, type Setting } from '../database/settings';

/** Names end in `_secret`. A rotation of the master key re-encrypts every setting with such a name. */
export type SecretName = 'dedup_secret' | 'audit_secret' | 'erasure_secret';

/** Returns the secret, 32 bytes. Creates it on first use. A rotation of the master key does not change it. */
export async function loadSecret(
  connection: Connection,
  keyRing: KeyRing,
  name: SecretName,
): Promise<Buffer> {
  return (
    (await readSecret(connection, keyRing, name)) ?? (await createSecret(connection, keyRing, name))
  );
}

async function readSecret(
  connection: Connection,
  keyRing: KeyRing,
  name: SecretName,
): Promise<Buffer | undefined> {
  const value = await readSetting(connection, name);
  if (value === undefined) return undefined;
  const { keyId, encrypted } = parse({ name, value });
  const master = keyRing.getCipher(keyId);
  try {
    return master.decrypt(encrypted, 'data-key');
  } catch (cause) {
    throw new Error(`Setting ${name} was modified outside the gateway`, { cause });
  }
}

async function createSecret(
  connection: Connection,
  keyRing: KeyRing,
  name: SecretName,
): Promise<Buffer> {
  const { dataKey, dataKeyId } = keyRing.createDataKey();
  await addSetting(connection, name, formatSecret(dataKeyId, dataKey));
  const secret = await readSecret(connection, keyRing, name);
  if (secret === undefined) throw new InvariantError('Secret is missing after the insert');
  return secret;
}

// ── Settings ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface EncryptedSecret {
  readonly name: string;
  /** ID of the master key. */
  readonly keyId: string;
  readonly encrypted: Buffer;
}

export async function loadSecrets(connection: Connection): Promise<readonly EncryptedSecret[]> {
  const settings = await allSettings(connection);
  return settings.filter(({ name }) => name.endsWith('_secret')).map(parse);
}

/** Returns the value of the setting. */
export function formatSecret(keyId: string, encrypted: Buffer): string {
  return `${keyId}:${encrypted.toString('base64')}`;
}

function parse({ name, value }: Setting): EncryptedSecret {
  const [keyId = '', base64 = ''] = value.split(':');
  return { name, keyId, encrypted: Buffer.from(base64, 'base64') };
}
