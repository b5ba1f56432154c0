/** What the database remembers about itself, by name. */

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

/** Replaces what was there. */
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

/** Where another process was first, what that one has written stays. */
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
