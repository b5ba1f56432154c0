/** Named values in the database, such as the ID of the change log. */

import type { Connection } from './database';

export interface Setting {
  readonly name: string;
  readonly value: string;
}

export function allSettings(connection: Connection): Promise<readonly Setting[]> {
  return connection.query('SELECT name, value FROM settings');
}

export async function readSetting(
  connection: Connection,
  name: string,
): Promise<string | undefined> {
  const [row] = await connection.query<{ value: string }>(
    'SELECT value FROM settings WHERE name = ?',
    [name],
  );
  return row?.value;
}

/** Inserts or replaces a setting. */
export async function writeSetting(
  connection: Connection,
  name: string,
  value: string,
): Promise<void> {
  await connection.query(
    `INSERT INTO settings (name, value) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [name, value],
  );
}

/** Inserts a setting. If another process has inserted it first, keeps that value. */
export async function addSetting(
  connection: Connection,
  name: string,
  value: string,
): Promise<void> {
  await connection.query(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING',
    [name, value],
  );
}
