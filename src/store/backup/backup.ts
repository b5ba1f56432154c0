/**
 * Backs up the database while the gateway runs.
 *
 * Uses `VACUUM INTO`, which reads one snapshot while other processes write. SQLite's backup API copies pages unchanged: it restarts
 * after each write of another process, and it includes the bytes of deleted rows, such as the keys of erased users.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import type { Connection } from '../database/database';
import type { SqliteConfig } from '../database/options';
import { getDriver } from '../sqlite/driver';
import { BackupError, createEmpty, publish, using } from './files';
import { moveKeys } from './restore';

export interface BackupSummary {
  readonly users: number;
  readonly deliveries: number;
  /** Position of the newest log entry in the copy. */
  readonly logHead: number;
  readonly bytes: number;
}

/** Highest ID so far of each table. IDs are never reused. */
type HighestIds = ReadonlyMap<string, number>;

/**
 * Writes a draft next to `target`, checks it, and then renames it. The copy has its own log ID: later changes may get other numbers
 * after a restore, so cursors of the original must be rejected.
 *
 * @param database - Database of the gateway.
 * @param target - Path of the new file, which must not exist.
 * @param keysFile - Path of the file for the keys of all identities, which the copy excludes. See `moveKeys`.
 * @throws {BackupError} If the backup failed. No files are left then.
 * @throws {ConfigError} If the SQLite driver is not installed.
 */
export async function backUp(
  { file: source, driver }: SqliteConfig,
  target: string,
  keysFile: string,
): Promise<BackupSummary> {
  getDriver(driver);
  if (!existsSync(source)) throw new BackupError(`Database ${source} does not exist.`);
  if (existsSync(target)) throw new BackupError(`${target} already exists. Nothing was written.`);
  const draft = `${target}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(draft, target);
  try {
    const range = await copy(source, draft);
    await using(draft, 'READWRITE', (connection) => replaceLogId(connection));
    const summary = await using(draft, 'READONLY', (connection) => check(connection, range));
    await moveKeys(draft, keysFile);
    publish(draft, target);
    return { ...summary, bytes: statSync(target).size };
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}-journal`, { force: true });
  }
}

/** Returns the highest IDs before and after the copy. */
function copy(source: string, draft: string): Promise<readonly [HighestIds, HighestIds]> {
  return using(source, 'READONLY', async (connection) => {
    const before = await highestIds(connection);
    await connection.query('VACUUM INTO ?', [draft]);
    return [before, await highestIds(connection)] as const;
  });
}

async function replaceLogId(connection: Connection): Promise<void> {
  const logId = randomBytes(6).toString('base64url');
  await connection.query("UPDATE settings SET value = ? WHERE name = 'log_id'", [logId]);
}

/** @throws {BackupError} If the copy is corrupt, or is not between the two snapshots of the original. */
async function check(
  connection: Connection,
  [before, after]: readonly [HighestIds, HighestIds],
): Promise<Omit<BackupSummary, 'bytes'>> {
  const faults = await connection.query<{ integrity_check: string }>('PRAGMA integrity_check');
  const orphans = await connection.query('PRAGMA foreign_key_check');
  const isIntact =
    faults.length === 1 && faults[0]?.integrity_check === 'ok' && orphans.length === 0;
  if (!isIntact) {
    throw new BackupError(
      'The copy is corrupt, so the database probably is too. See docs/operations.md.',
    );
  }
  const copiedIds = await highestIds(connection);
  for (const [table, id] of after) {
    const copied = copiedIds.get(table) ?? 0;
    if (copied < (before.get(table) ?? 0) || copied > id) {
      throw new BackupError(`The copy lacks rows of ${table}.`);
    }
  }
  const [counts] = await connection.query<{ users: number; deliveries: number }>(
    `SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM deliveries) AS deliveries`,
  );
  return { users: 0, deliveries: 0, ...counts, logHead: copiedIds.get('changes') ?? 0 };
}

async function highestIds(connection: Connection): Promise<HighestIds> {
  const rows = await connection.query<{ name: string; seq: number }>(
    'SELECT name, seq FROM sqlite_sequence',
  );
  return new Map(rows.map(({ name, seq }) => [name, seq]));
}
