/**
 * A copy of the database, taken while the gateway runs.
 *
 * By `VACUUM INTO`: one read of one view of the data, however much is written meanwhile. SQLite's backup API copies pages as
 * they are, begins again whenever somebody else has written, and takes along what deleted rows have left behind, such as keys
 * that were destroyed so that nobody can read what lies under them.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import type { Connection } from '../database/database';
import { BackupError, createEmpty, publish, using } from './files';
import { takeKeysOut } from './restore';

export interface BackupSummary {
  readonly users: number;
  readonly deliveries: number;
  /** Position of the newest log entry in the copy. */
  readonly logHead: number;
  readonly bytes: number;
}

/** Every table's highest id so far; no id is ever given twice. */
type HighestIds = ReadonlyMap<string, number>;

/**
 * Writes a draft beside `target`, checks it, and gives it its name only then. The copy is a log of its own: what was written
 * after it may come again under other numbers, so that cursors of the original are refused rather than misread.
 *
 * @param source - Path of a database of the gateway.
 * @param target - Path of a file that is not there yet.
 * @param keysFile - Where the keys of all accounts go, without which the copy cannot be read; see `takeKeysOut`.
 * @throws {BackupError} leaving nothing behind.
 */
export async function backUp(
  source: string,
  target: string,
  keysFile: string,
): Promise<BackupSummary> {
  if (!existsSync(source)) throw new BackupError(`There is no database ${source}.`);
  if (existsSync(target)) throw new BackupError(`${target} is there already; nothing was written.`);
  const draft = `${target}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(draft, target);
  try {
    const range = await copy(source, draft);
    await using(draft, 'READWRITE', (connection) => beginLogAnew(connection));
    const summary = await using(draft, 'READONLY', (connection) => check(connection, range));
    await takeKeysOut(draft, keysFile);
    publish(draft, target);
    return { ...summary, bytes: statSync(target).size };
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}-journal`, { force: true });
  }
}

/** @returns the highest ids before and after the copy was taken. */
function copy(source: string, draft: string): Promise<readonly [HighestIds, HighestIds]> {
  return using(source, 'READONLY', async (connection) => {
    const before = await highestIds(connection);
    await connection.query('VACUUM INTO ?', [draft]);
    return [before, await highestIds(connection)] as const;
  });
}

async function beginLogAnew(connection: Connection): Promise<void> {
  const logId = randomBytes(6).toString('base64url');
  await connection.query("UPDATE settings SET value = ? WHERE name = 'log_id'", [logId]);
}

/** @throws {BackupError} unless the copy is sound and stands between the two views of the original. */
async function check(
  connection: Connection,
  [before, after]: readonly [HighestIds, HighestIds],
): Promise<Omit<BackupSummary, 'bytes'>> {
  const faults = await connection.query<{ integrity_check: string }>('PRAGMA integrity_check');
  const orphans = await connection.query('PRAGMA foreign_key_check');
  const sound = faults.length === 1 && faults[0]?.integrity_check === 'ok' && orphans.length === 0;
  if (!sound) {
    throw new BackupError(
      'The copy is not sound, so probably the database is not: see docs/operations.md.',
    );
  }
  const held = await highestIds(connection);
  for (const [table, id] of after) {
    const copied = held.get(table) ?? 0;
    if (copied < (before.get(table) ?? 0) || copied > id) {
      throw new BackupError(`The copy does not hold what the database holds in ${table}.`);
    }
  }
  const [counts] = await connection.query<{ users: number; deliveries: number }>(
    `SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM deliveries) AS deliveries`,
  );
  return { users: 0, deliveries: 0, ...counts, logHead: held.get('changes') ?? 0 };
}

async function highestIds(connection: Connection): Promise<HighestIds> {
  const rows = await connection.query<{ name: string; seq: number }>(
    'SELECT name, seq FROM sqlite_sequence',
  );
  return new Map(rows.map(({ name, seq }) => [name, seq]));
}
