/** Checks, before the store opens, that the gateway can work with this database: encoding, writable, rights of the role. */

import type { DataSource } from 'typeorm';
import { ConfigError } from '../../domain/errors';

interface ServerRow {
  readonly encoding: string;
  readonly replica: boolean;
  readonly readOnly: string;
}

/** @throws {ConfigError} if the database is not encoded in UTF8, or cannot be written. */
export async function assertWritable(dataSource: DataSource, at: string): Promise<void> {
  const [row]: ServerRow[] = await dataSource.query(
    `SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS replica,
      current_setting('transaction_read_only') AS "readOnly"`,
  );
  if (row === undefined) return;
  if (row.replica) {
    throw new ConfigError([`DATABASE_URL: ${at} is a read-only replica; name the primary`]);
  }
  if (row.readOnly === 'on') {
    throw new ConfigError([
      `DATABASE_URL: ${at} is read-only (default_transaction_read_only is on for the server, the database or the role)`,
    ]);
  }
  if (row.encoding !== 'UTF8') {
    throw new ConfigError([
      `DATABASE_URL: the database is encoded in ${row.encoding}, which cannot store every name; expected UTF8. Create one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    ]);
  }
}

/** Entries of the audit log are never changed or deleted. */
const RIGHTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const AUDIT_RIGHTS = ['SELECT', 'INSERT'];

/**
 * Checks the rights that statements need later, so that no delivery is the first to find one missing.
 *
 * @param dataSource - Of a database that is migrated.
 * @throws {ConfigError} naming every right that the role lacks.
 */
export async function assertRights(dataSource: DataSource): Promise<void> {
  const wanted = dataSource.entityMetadatas.flatMap(({ tableName }) =>
    (tableName === 'audit_entries' ? AUDIT_RIGHTS : RIGHTS).map((right) => ({ tableName, right })),
  );
  const missing: { readonly missing: string }[] = await dataSource.query(
    `SELECT "right" || ' on ' || "tableName" AS missing
      FROM jsonb_to_recordset($1::jsonb) AS wanted ("tableName" text, "right" text)
      WHERE NOT has_table_privilege(to_regclass(quote_ident("tableName")), "right")
    UNION ALL SELECT 'UPDATE on sequencer' WHERE NOT has_table_privilege('sequencer', 'SELECT')
      OR NOT has_table_privilege('sequencer', 'UPDATE')
    UNION ALL SELECT 'USAGE on ' || name FROM pg_get_serial_sequence('api_keys', 'id') AS name
      WHERE NOT has_sequence_privilege(name, 'USAGE')
    UNION ALL SELECT 'TEMPORARY on the database'
      WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')`,
    [JSON.stringify(wanted)],
  );
  if (missing.length === 0) return;
  const rights = missing.map((row) => row.missing).join(', ');
  throw new ConfigError([`DATABASE_URL: the role lacks the right to ${rights} (42501)`]);
}
