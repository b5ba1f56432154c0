/** A database put together again from a copy without keys, and the keys that were kept apart from it. */

import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { BackupError, createEmpty, flush, publish, using } from './copy-files';

/**
 * Takes the keys out of a draft of a copy, into a file that then holds nothing else. What was erased since an older copy was
 * taken has no key in there: the newest one opens all older copies, but for that.
 *
 * @param keysFile - Replaced as a whole.
 */
export async function takeKeysOut(draft: string, keysFile: string): Promise<void> {
  const keysDraft = `${keysFile}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(keysDraft, keysFile);
  try {
    await using(draft, 'READWRITE', async (connection) => {
      // What is deleted is overwritten, and stands in no file beside it meanwhile.
      await connection.query('PRAGMA journal_mode = MEMORY');
      await connection.query('PRAGMA secure_delete = ON');
      await connection.query('ATTACH ? AS apart', [keysDraft]);
      await connection.query('PRAGMA apart.journal_mode = MEMORY');
      await connection.query(
        `CREATE TABLE apart.identity_keys AS SELECT k.*, i.created_at
          FROM main.identity_keys k JOIN main.identities i ON i.id = k.identity_id`,
      );
      await connection.query(
        'CREATE TABLE apart.reach AS SELECT max(id) AS id FROM main.identities',
      );
      await connection.query('DELETE FROM main.identity_keys');
      await connection.query('DETACH apart');
    });
    flush(keysDraft);
    renameSync(keysDraft, keysFile);
    flush(dirname(keysFile));
  } finally {
    rmSync(keysDraft, { force: true });
  }
}

/**
 * @param target - Path of a file that is not there yet.
 * @returns how many identities there are, and how many of them have a key.
 * @throws {BackupError} leaving nothing behind.
 */
export async function restore(
  copy: string,
  keysFile: string,
  target: string,
): Promise<{ readonly identities: number; readonly keys: number }> {
  for (const file of [copy, keysFile]) {
    if (!existsSync(file)) throw new BackupError(`There is no file ${file}.`);
  }
  if (existsSync(target)) throw new BackupError(`${target} is there already; nothing was written.`);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const draft = `${target}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(draft, target);
  try {
    copyFileSync(copy, draft);
    const counts = await using(draft, 'READWRITE', async (connection) => {
      await connection.query('PRAGMA journal_mode = MEMORY');
      await connection.query('ATTACH ? AS apart', [keysFile]);
      const [fit] = await connection.query<{ younger: number; strange: number }>(
        `SELECT (SELECT coalesce(max(id), 0) FROM main.identities) >
              (SELECT coalesce(max(id), 0) FROM apart.reach) AS younger,
            EXISTS (SELECT 1 FROM apart.identity_keys k JOIN main.identities i ON i.id = k.identity_id
              WHERE i.created_at <> k.created_at) AS strange`,
      );
      if (fit?.strange) throw new BackupError('These keys are of another database.');
      if (fit?.younger)
        throw new BackupError('These keys are older than the copy: take newer ones.');
      await connection.query(
        `INSERT OR IGNORE INTO main.identity_keys SELECT k.identity_id, k.data_key, k.data_key_id
          FROM apart.identity_keys k JOIN main.identities i ON i.id = k.identity_id`,
      );
      const [counted] = await connection.query<{ identities: number; keys: number }>(
        `SELECT (SELECT count(*) FROM identities) AS identities,
          (SELECT count(*) FROM main.identity_keys) AS keys`,
      );
      await connection.query('DETACH apart');
      return { identities: 0, keys: 0, ...counted };
    });
    publish(draft, target);
    return counts;
  } finally {
    rmSync(draft, { force: true });
  }
}
