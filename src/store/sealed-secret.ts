/** Secrets of a database: made once, kept in its settings under a master key as `<master id>:<base64>`. */

import type { Connection } from './database';
import type { KeyRing } from './key-ring';
import { addSetting, readSetting } from './settings';

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
  const [masterId = '', wrapped = ''] = value.split(':');
  const master = keyRing.master(masterId);
  try {
    return master.open(Buffer.from(wrapped, 'base64'), 'data-key');
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
  await addSetting(connection, name, `${dataKeyId}:${dataKey.toString('base64')}`);
  const secret = await readSecret(connection, keyRing, name);
  if (secret === undefined) throw new Error('the secret has just been written');
  return secret;
}
