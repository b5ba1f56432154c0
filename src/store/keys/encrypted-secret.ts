/** Secrets of a database: made once, kept in its settings under a master key as `<master id>:<base64>`. */

import { InvariantError } from '../../domain/errors';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { addSetting, allSettings, readSetting, type Setting } from '../database/settings';

/** A name ends in `_secret`: whoever exchanges the master key seals all of them again. */
export type SecretName = 'repeat_secret' | 'audit_secret' | 'erasure_secret';

/** Makes it if there is none yet. It stays as it is when the master key is exchanged. @returns 32 bytes. */
export async function loadSecret(
  connection: Connection,
  keyRing: KeyRing,
  name: SecretName,
): Promise<Buffer> {
  return (
    (await readSecret(connection, keyRing, name)) ?? (await makeSecret(connection, keyRing, name))
  );
}

async function readSecret(
  connection: Connection,
  keyRing: KeyRing,
  name: SecretName,
): Promise<Buffer | undefined> {
  const value = await readSetting(connection, name);
  if (value === undefined) return undefined;
  const { keyId, sealed } = parse({ name, value });
  const master = keyRing.getCipher(keyId);
  try {
    return master.decrypt(sealed, 'data-key');
  } catch (cause) {
    throw new Error(`the setting ${name} is not as the gateway wrote it`, { cause });
  }
}

async function makeSecret(
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

// ── As settings hold them ───────────────────────────────────────────────────────────────────────────────────────────

export interface EncryptedSecret {
  readonly name: string;
  /** Of the master key. */
  readonly keyId: string;
  readonly sealed: Buffer;
}

export async function secretsIn(connection: Connection): Promise<readonly EncryptedSecret[]> {
  const settings = await allSettings(connection);
  return settings.filter(({ name }) => name.endsWith('_secret')).map(parse);
}

/** @returns the value of its setting. */
export function formatSecret(keyId: string, sealed: Buffer): string {
  return `${keyId}:${sealed.toString('base64')}`;
}

function parse({ name, value }: Setting): EncryptedSecret {
  const [keyId = '', base64 = ''] = value.split(':');
  return { name, keyId, sealed: Buffer.from(base64, 'base64') };
}
