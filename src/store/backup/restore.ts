/**
 * A database put together again from a copy without keys, and the keys that were kept apart from it. With the keys goes what
 * must not be as old as the copy: who was erased, who is to be, and who must not be.
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
import { createDataSource } from '../sqlite/data-source';
import { BackupError, createEmpty, errorCode, flush, publish, using } from './files';

/** The newest stands for all copies, whatever was in them. */
const STANDING = {
  account_erasure_requests: 'identity_id IN (SELECT id FROM main.identities)',
  erased_subjects: 'true', // also of those who came after the copy, and whom vendors may name again
};

/** So does this, for all who had become one user by then; with what of several stands for whom they became: the longest. */
const STANDING_FOR_ALL = { legal_holds: 'until', erasure_requests: 'due_at' };

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
        `CREATE TABLE apart.reach AS SELECT (SELECT max(id) FROM main.identities) AS id,
          (SELECT max(seq) FROM main.audit_entries) AS audited`,
      );
      await connection.query(
        'CREATE TABLE apart.erased_users AS SELECT id FROM main.users WHERE erased_at IS NOT NULL',
      );
      await connection.query(
        'CREATE TABLE apart.merged_users AS SELECT id, merged_into FROM main.users WHERE merged_into IS NOT NULL',
      );
      for (const table of Object.keys({ ...STANDING, ...STANDING_FOR_ALL })) {
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
 * @param target - Path of a file that is not there yet.
 * @param finish - What is to be done before anybody can take it for whole, on a draft that nobody else knows.
 * @throws {BackupError} leaving nothing behind.
 */
export async function restore(
  copy: string,
  keysFile: string,
  target: string,
  finish: (draft: string, restored: Restored) => Promise<void>,
): Promise<void> {
  for (const file of [copy, keysFile]) {
    if (!existsSync(file)) throw new BackupError(`There is no file ${file}.`);
  }
  if (existsSync(target)) throw new BackupError(`${target} is there already; nothing was written.`);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const draft = `${target}.${randomBytes(8).toString('hex')}.partial`;
  createEmpty(draft, target);
  try {
    // Not `copyFileSync`, which gives the draft the mode of the copy.
    await pipeline(createReadStream(copy), createWriteStream(draft));
    await migrate(draft);
    const restored = await using(draft, 'READWRITE', async (connection) => {
      await connection.query('PRAGMA journal_mode = MEMORY');
      await connection.query('ATTACH ? AS apart', [keysFile]);
      for (const table of ['identity_keys', 'reach', 'erased_users']) {
        if ((await columnsOf(connection, 'apart', table)).length === 0)
          throw new BackupError(`${keysFile} is no file of keys.`);
      }
      const [fit] = await connection.query<{ younger: number; strange: number }>(
        `SELECT EXISTS (SELECT 1 FROM apart.reach
              WHERE (SELECT coalesce(max(id), 0) FROM main.identities) > coalesce(id, 0)
                OR (SELECT coalesce(max(seq), 0) FROM main.audit_entries) > coalesce(audited, 0)) AS younger,
            EXISTS (SELECT 1 FROM apart.identity_keys k JOIN main.identities i ON i.id = k.identity_id
              WHERE i.created_at <> k.created_at) AS strange`,
      );
      if (fit?.strange) throw new BackupError('These keys are of another database.');
      if (fit?.younger)
        throw new BackupError('These keys are older than the copy: take newer ones.');
      await connection.query(
        `INSERT OR IGNORE INTO main.identity_keys (identity_id, data_key, data_key_id)
          SELECT k.identity_id, k.data_key, k.data_key_id
            FROM apart.identity_keys k JOIN main.identities i ON i.id = k.identity_id`,
      );
      for (const [table, fitting] of Object.entries(STANDING)) {
        await replace(connection, table, (columns) => {
          return `SELECT ${columns} FROM apart.${table} WHERE ${fitting}`;
        });
      }
      if ((await columnsOf(connection, 'apart', 'merged_users')).length === 0) {
        await connection.query('CREATE TEMP TABLE merged_users (id integer, merged_into integer)');
      }
      await connection.query(
        `CREATE TEMP TABLE apart_again AS SELECT u.id, coalesce(m.merged_into, u.id) AS one
          FROM main.users u LEFT JOIN merged_users m ON m.id = u.id
          WHERE u.merged_into IS NULL AND u.erased_at IS NULL`,
      );
      await connection.query('CREATE INDEX temp.apart_again_by_one ON apart_again (one)');
      for (const [table, end] of Object.entries(STANDING_FOR_ALL)) {
        await replace(connection, table, (columns) => forAll(table, columns, end));
      }
      const erased = await connection.query<{ id: number }>(
        'SELECT id FROM apart.erased_users WHERE id IN (SELECT id FROM main.users)',
      );
      const [counted] = await connection.query<Omit<Restored, 'erasedUsers'>>(
        `SELECT (SELECT count(*) FROM identities) AS identities,
          (SELECT count(*) FROM main.identity_keys) AS keys,
          (SELECT coalesce(max(audited), 0) FROM apart.reach) AS audited`,
      );
      await connection.query('DETACH apart');
      const erasedUsers = erased.map(({ id }) => id);
      return { identities: 0, keys: 0, audited: 0, ...counted, erasedUsers };
    });
    await finish(draft, restored);
    if (existsSync(`${draft}-wal`)) throw new BackupError(`Somebody else has ${draft} open.`);
    publish(draft, target);
  } finally {
    for (const rest of ['', '-wal', '-shm']) rmSync(`${draft}${rest}`, { force: true });
  }
}

/** A copy is as old as its tables: those that came since are made before anything is put into them. */
async function migrate(draft: string): Promise<void> {
  const applied = await using(draft, 'READONLY', (copy) => columnsOf(copy, 'main', 'migrations'));
  if (applied.length === 0) throw new BackupError('The copy is no database of the gateway.');
  const dataSource = createDataSource(draft);
  try {
    await dataSource.initialize();
    await dataSource.runMigrations();
  } catch (cause) {
    const fault = `The copy could not be brought up to this version (${errorCode(cause)}).`;
    throw new BackupError(fault, { cause });
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** Keys that were taken by an older version lack what it did not know; there was nothing of it then. */
async function replace(
  connection: Connection,
  table: string,
  select: (columns: readonly string[]) => string,
): Promise<void> {
  await connection.query(`DELETE FROM main.${table}`);
  const known = await columnsOf(connection, 'main', table);
  const columns = await columnsOf(connection, 'apart', table);
  if (columns.length === 0) return;
  const strange = columns.find((column) => !known.includes(column));
  if (strange !== undefined) {
    throw new BackupError(`The keys are of another version, which knows ${table}.${strange}.`);
  }
  await connection.query(`INSERT INTO main.${table} (${columns}) ${select(columns)}`);
}

/** Apart in the copy, they were one: what stood for this one stands for each. */
function forAll(table: string, columns: readonly string[], end: string): string {
  const told = columns.map((column) => (column === 'user_id' ? 'u.id' : `t.${column}`));
  return `
    SELECT ${told} FROM apart.${table} t LEFT JOIN merged_users m ON m.id = t.user_id
      JOIN apart_again u ON u.one = coalesce(m.merged_into, t.user_id)
      WHERE true
      ORDER BY coalesce(t.${end}, '9') DESC
      ON CONFLICT (user_id) DO NOTHING`;
}

/** @returns none where there is no such table. */
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
  /** How many of them have one. */
  readonly keys: number;
  /** Up to which entry of the audit log it is known who must not be erased. */
  readonly audited: number;
  /** Who is in the copy, and was erased by the time that the keys were taken. */
  readonly erasedUsers: readonly number[];
}
