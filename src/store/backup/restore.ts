/**
 * Separates the keys from a backup, and combines them again. The file of keys also contains tables that must be newer than the copy:
 * erased users, pending erasures and legal holds.
 */

import { randomBytes } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Connection } from '../database/database';
import type { SqliteConfig } from '../database/options';
import { runMigrations } from '../database/run-migrations';
import { createDataSource } from '../sqlite/data-source';
import { getDriver } from '../sqlite/driver';
import { BackupError, createEmpty, errorCode, flush, publish, using } from './files';

/** Tables that the newest file of keys replaces in any copy, with the condition on their rows. */
const REPLACED_TABLES = {
  account_erasure_requests: 'identity_id IN (SELECT id FROM main.identities)',
  erased_subjects: 'true', // including users newer than the copy, since later events may name them
};

/** Tables replaced per user, with the column of the end. If users were merged since the copy, the row that ends last applies to each. */
const REPLACED_BY_USER = { legal_holds: 'until', erasure_requests: 'due_at' };

/**
 * Moves the keys from the draft of a copy to a file of their own. The newest file decrypts all older copies, except data erased
 * since, whose keys it lacks.
 *
 * @param keysFile - Replaced as a whole.
 */
export async function moveKeys(draft: string, keysFile: string): Promise<void> {
  const keysDraft = `${keysFile}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(keysDraft, keysFile);
  try {
    await using(draft, 'READWRITE', async (connection) => {
      // Overwrites deleted rows, and writes them to no journal file.
      await connection.query('PRAGMA journal_mode = MEMORY');
      await connection.query('PRAGMA secure_delete = ON');
      await connection.query('ATTACH ? AS apart', [keysDraft]);
      await connection.query('PRAGMA apart.journal_mode = MEMORY');
      await connection.query(
        `CREATE TABLE apart.identity_keys AS SELECT k.*, i.created_at
          FROM main.identity_keys k JOIN main.identities i ON i.id = k.identity_id`,
      );
      await connection.query(
        `CREATE TABLE apart.reach AS SELECT (SELECT max(id) FROM main.identities) AS id,
          (SELECT max(seq) FROM main.audit_entries) AS audited`,
      );
      await connection.query(
        'CREATE TABLE apart.erased_users AS SELECT id FROM main.users WHERE erased_at IS NOT NULL',
      );
      await connection.query(
        'CREATE TABLE apart.merged_users AS SELECT id, merged_into FROM main.users WHERE merged_into IS NOT NULL',
      );
      for (const table of Object.keys({ ...REPLACED_TABLES, ...REPLACED_BY_USER })) {
        if ((await columnsOf(connection, 'main', table)).length === 0) continue; // not migrated yet
        await connection.query(`CREATE TABLE apart.${table} AS SELECT * FROM main.${table}`);
      }
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
 * Combines a backup and its keys in a new database.
 *
 * @param database - Its file must not exist.
 * @param finish - Completes the draft before it gets its name.
 * @throws {BackupError} If the restore failed. No files are left then.
 * @throws {ConfigError} If the SQLite driver is not installed.
 */
export async function restore(
  copy: string,
  keysFile: string,
  { file: target, driver }: SqliteConfig,
  finish: (draft: string, restored: Restored) => Promise<void>,
): Promise<void> {
  getDriver(driver);
  for (const file of [copy, keysFile]) {
    if (!existsSync(file)) throw new BackupError(`File ${file} does not exist.`);
  }
  if (existsSync(target)) throw new BackupError(`${target} already exists. Nothing was written.`);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const draft = `${target}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(draft, target);
  try {
    // `copyFileSync` would give the draft the mode of the copy.
    await pipeline(createReadStream(copy), createWriteStream(draft));
    await migrate(draft);
    const restored = await using(draft, 'READWRITE', (connection) =>
      applyKeys(connection, keysFile),
    );
    await finish(draft, restored);
    if (existsSync(`${draft}-wal`)) {
      throw new BackupError(
        `Another process has ${draft} open. Close it and run the restore again.`,
      );
    }
    publish(draft, target);
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${draft}${suffix}`, { force: true });
  }
}

/** Adds the keys to the draft, and replaces the tables that are saved with the keys. */
async function applyKeys(connection: Connection, keysFile: string): Promise<Restored> {
  await connection.query('PRAGMA journal_mode = MEMORY');
  await connection.query('ATTACH ? AS apart', [keysFile]);
  await assertKeysFit(connection, keysFile);
  await connection.query(
    `INSERT OR IGNORE INTO main.identity_keys (identity_id, data_key, data_key_id)
      SELECT k.identity_id, k.data_key, k.data_key_id
        FROM apart.identity_keys k JOIN main.identities i ON i.id = k.identity_id`,
  );
  for (const [table, condition] of Object.entries(REPLACED_TABLES)) {
    await replaceTable(connection, table, (columns) => {
      return `SELECT ${columns} FROM apart.${table} WHERE ${condition}`;
    });
  }
  await createLiveUsers(connection);
  for (const [table, end] of Object.entries(REPLACED_BY_USER)) {
    await replaceTable(connection, table, (columns) => selectForEachUser(table, columns, end));
  }
  const erased = await connection.query<{ id: number }>(
    'SELECT id FROM apart.erased_users WHERE id IN (SELECT id FROM main.users)',
  );
  const [counts] = await connection.query<Omit<Restored, 'erasedUsers'>>(
    `SELECT (SELECT count(*) FROM identities) AS identities,
      (SELECT count(*) FROM main.identity_keys) AS keys,
      (SELECT coalesce(max(audited), 0) FROM apart.reach) AS audited`,
  );
  await connection.query('DETACH apart');
  const erasedUsers = erased.map(({ id }) => id);
  return { identities: 0, keys: 0, audited: 0, ...counts, erasedUsers };
}

/** @throws {BackupError} If the keys belong to another database or are older than the copy. */
async function assertKeysFit(connection: Connection, keysFile: string): Promise<void> {
  for (const table of ['identity_keys', 'reach', 'erased_users']) {
    if ((await columnsOf(connection, 'apart', table)).length === 0) {
      throw new BackupError(`${keysFile} is not a file of keys.`);
    }
  }
  const [fit] = await connection.query<{ younger: number; strange: number }>(
    `SELECT EXISTS (SELECT 1 FROM apart.reach
          WHERE (SELECT coalesce(max(id), 0) FROM main.identities) > coalesce(id, 0)
            OR (SELECT coalesce(max(seq), 0) FROM main.audit_entries) > coalesce(audited, 0)) AS younger,
        EXISTS (SELECT 1 FROM apart.identity_keys k JOIN main.identities i ON i.id = k.identity_id
          WHERE i.created_at <> k.created_at) AS strange`,
  );
  if (fit?.strange) throw new BackupError('The keys belong to another database.');
  if (fit?.younger) {
    throw new BackupError('The keys are older than the copy. Use the newest file of keys.');
  }
}

/** Creates a temporary table of the live users of the copy, with the merge target of each when the keys were saved. */
async function createLiveUsers(connection: Connection): Promise<void> {
  if ((await columnsOf(connection, 'apart', 'merged_users')).length === 0) {
    await connection.query('CREATE TEMP TABLE merged_users (id integer, merged_into integer)');
  }
  await connection.query(
    `CREATE TEMP TABLE live_users AS SELECT u.id, coalesce(m.merged_into, u.id) AS target
      FROM main.users u LEFT JOIN merged_users m ON m.id = u.id
      WHERE u.merged_into IS NULL AND u.erased_at IS NULL`,
  );
  await connection.query('CREATE INDEX temp.live_users_by_target ON live_users (target)');
}

/** Creates the tables that an older copy lacks. */
async function migrate(draft: string): Promise<void> {
  const applied = await using(draft, 'READONLY', (copy) => columnsOf(copy, 'main', 'migrations'));
  if (applied.length === 0) throw new BackupError('The copy is not a database of the gateway.');
  const dataSource = createDataSource(draft);
  try {
    await dataSource.initialize();
    await runMigrations(dataSource);
  } catch (cause) {
    const fault = `Cannot migrate the copy to this version (${errorCode(cause)}).`;
    throw new BackupError(fault, { cause });
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** Replaces the rows of a table. A file of keys from an older version may lack the table; it is then left empty. */
async function replaceTable(
  connection: Connection,
  table: string,
  select: (columns: readonly string[]) => string,
): Promise<void> {
  await connection.query(`DELETE FROM main.${table}`);
  const known = await columnsOf(connection, 'main', table);
  const columns = await columnsOf(connection, 'apart', table);
  if (columns.length === 0) return;
  const unknown = columns.find((column) => !known.includes(column));
  if (unknown !== undefined) {
    throw new BackupError(
      `The keys are from another version, with the column ${table}.${unknown}.`,
    );
  }
  await connection.query(`INSERT INTO main.${table} (${columns}) ${select(columns)}`);
}

/** Selects rows of merge targets once for each user who is still separate in the copy. */
function selectForEachUser(table: string, columns: readonly string[], end: string): string {
  const selected = columns.map((column) => (column === 'user_id' ? 'u.id' : `t.${column}`));
  return `
    SELECT ${selected} FROM apart.${table} t LEFT JOIN merged_users m ON m.id = t.user_id
      JOIN live_users u ON u.target = coalesce(m.merged_into, t.user_id)
      WHERE true
      ORDER BY coalesce(t.${end}, '9') DESC
      ON CONFLICT (user_id) DO NOTHING`;
}

/** Returns an empty list if the table does not exist. */
async function columnsOf(
  connection: Connection,
  schema: 'main' | 'apart',
  table: string,
): Promise<readonly string[]> {
  const columns = await connection.query<{ name: string }>(
    'SELECT name FROM pragma_table_info(?, ?)',
    [table, schema],
  );
  return columns.map(({ name }) => name);
}

export interface Restored {
  readonly identities: number;
  /** Number of identities with a key. */
  readonly keys: number;
  /** Number of the last audit entry whose legal holds are known. */
  readonly audited: number;
  /** Users of the copy who were erased when the keys were saved. */
  readonly erasedUsers: readonly number[];
}
