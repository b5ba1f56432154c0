/** Options of a database: the SQLite file, or the PostgreSQL server. */

export type DatabaseConfig = SqliteConfig | PostgresConfig;

export interface SqliteConfig {
  readonly kind: 'sqlite';
  /** Absolute path. */
  readonly file: string;
  /** The variable that sets the path. If absent, `DATABASE_URL`. */
  readonly setting?: 'DATA_DIR';
  /** If absent, `sqlite3`. */
  readonly driver?: SqliteDriverName;
}

export type SqliteDriverName = 'sqlite3' | 'better-sqlite3';

export interface PostgresConfig {
  readonly kind: 'postgres';
  /** Host name, address, or folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** If null, libpq's default: `PGUSER` or the operating system user. */
  readonly user: string | null;
  /** If null, no password, or libpq's default: `PGPASSWORD` or `.pgpass`. */
  readonly password: string | null;
  /** If null, the connection is not encrypted. */
  readonly tls: TlsConfig | null;
  /** Maximum number of connections of one instance. */
  readonly maxConnections: number;
}

export interface TlsConfig {
  /** Checks of the server certificate: none, its issuer, or its issuer and the host name. */
  readonly verify: 'none' | 'ca' | 'full';
  /** Path of a PEM file. If null, the public certificate authorities. */
  readonly rootCertificate: string | null;
  /** Path of a PEM file with the client certificate. */
  readonly certificate: string | null;
  /** Path of a PEM file with the client key. */
  readonly key: string | null;
}
