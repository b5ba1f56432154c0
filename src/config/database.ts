/** `DATA_DIR`, `DATABASE_URL`, `DATABASE_DRIVER` and `DATABASE_CONNECTIONS`. */

import { join, resolve } from 'node:path';
import type { DatabaseConfig, PostgresConfig, TlsConfig } from '../store/database/options';
import type { EnvironmentReader } from './environment';
import { isLoopback, oneOf, wholeNumber } from './parsers';

const DEFAULT_DATA_DIR = './data';
const DEFAULT_FILE = 'kyc.sqlite';
const DRIVER = oneOf('sqlite3', 'better-sqlite3');

/** Returns the absolute path of the data folder. */
export function readDataDir(reader: EnvironmentReader): string {
  return resolve(reader.text('DATA_DIR') ?? DEFAULT_DATA_DIR);
}

/**
 * @param mode - In production, the URL of a server on another host must contain `sslmode`, so that personal data is not sent
 *   unencrypted by mistake.
 */
export function readDatabase(
  reader: EnvironmentReader,
  dataDir: string,
  mode: 'development' | 'production',
): DatabaseConfig {
  const url = reader.text('DATABASE_URL');
  const maxConnections = reader.read('DATABASE_CONNECTIONS', CONNECTIONS, DEFAULT_CONNECTIONS);
  const file = join(dataDir, DEFAULT_FILE);
  const driver = reader.read('DATABASE_DRIVER', DRIVER, 'sqlite3');
  const sqlite = { kind: 'sqlite', ...(driver !== 'sqlite3' && { driver }) } as const;
  const fallback = { ...sqlite, file, setting: 'DATA_DIR' } as const;
  if (url === undefined) return fallback;
  if (/^postgres(ql)?:/.test(url)) {
    const server = readPostgres(url, mode);
    if (typeof server !== 'string') return { ...server, maxConnections };
    reader.fault('DATABASE_URL', server);
    return fallback;
  }
  const path = parseSqliteFile(url);
  if (path === undefined) reader.fault('DATABASE_URL', '`sqlite:<file>` or `postgres://…`');
  return path === undefined ? fallback : { ...sqlite, file: resolve(path) };
}

// ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** One connection stores deliveries, one runs other writes, and at least two each serve reads and snapshots. */
const CONNECTIONS = wholeNumber(6, 1_000);
const DEFAULT_CONNECTIONS = 10;
const DEFAULT_PORT = 5432;

const PARAMETERS = new Set(['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey']);
const SHAPE = '`postgres://[user[:password]@]host[:port]/database[?sslmode=…]`';

/** @returns The expected value if the URL is invalid. It completes "must be …". */
function readPostgres(
  text: string,
  mode: 'development' | 'production',
): Omit<PostgresConfig, 'maxConnections'> | string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = url && decode(url.pathname.slice(1));
  const user = url && decode(url.username);
  const password = url && decode(url.password);
  if (!url || !database || database.includes('/') || user === undefined || password === undefined) {
    return SHAPE;
  }
  const { searchParams: parameters } = url;
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) return `a URL whose only parameters are ${[...PARAMETERS].join(', ')}`;

  const host = parameters.get('host') ?? decode(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  if (!host) return SHAPE;
  const tls = readTls(parameters);
  if (typeof tls === 'string') return tls;
  if (mode === 'production' && !parameters.has('sslmode') && !isLocal(host)) {
    return 'a URL with `sslmode`, because the server is on another host (`disable` sends data unencrypted)';
  }
  return {
    kind: 'postgres',
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    database,
    user: user || null,
    password: password || null,
    tls,
  };
}

/** Follows libpq, except that `allow` and `prefer` are rejected: an attacker on the network can downgrade them to `disable`. */
function readTls(parameters: URLSearchParams): TlsConfig | null | string {
  const rootCertificate = parameters.get('sslrootcert');
  const files = {
    rootCertificate,
    certificate: parameters.get('sslcert'),
    key: parameters.get('sslkey'),
  };
  const hasFiles = Object.values(files).some((file) => file !== null);
  switch (parameters.get('sslmode') ?? (hasFiles ? 'verify-full' : 'disable')) {
    case 'disable':
      return hasFiles
        ? 'a URL with an `sslmode` other than `disable`, because it names certificates'
        : null;
    case 'require':
      return { verify: rootCertificate === null ? 'none' : 'ca', ...files };
    case 'verify-ca':
      return rootCertificate === null
        ? 'a URL with `sslrootcert`, because `sslmode=verify-ca` requires it'
        : { verify: 'ca', ...files };
    case 'verify-full':
      return { verify: 'full', ...files };
    default:
      return 'a URL whose `sslmode` is one of disable, require, verify-ca, verify-full';
  }
}

/** Whether the connection does not leave this machine. */
function isLocal(host: string): boolean {
  return host.startsWith('/') || isLoopback(host);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

// ── SQLite ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Parses `sqlite:data/kyc.sqlite`, `sqlite:/var/kyc.sqlite`, and the URL form `sqlite:///var/kyc.sqlite`. An in-memory
 * database is rejected: every connection would have its own, and it would lose acknowledged deliveries.
 */
function parseSqliteFile(url: string): string | undefined {
  const [, path] = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url) ?? [];
  const usable = path !== undefined && !path.startsWith('//') && path !== ':memory:';
  return usable ? path : undefined;
}
