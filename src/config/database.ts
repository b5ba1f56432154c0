/** `DATA_DIR`, `DATABASE_URL` and `DATABASE_CONNECTIONS`: where the data is. */

import { join, resolve } from 'node:path';
import type { DatabaseConfig, PostgresConfig, TlsConfig } from '../store/database/options';
import type { EnvironmentReader } from './environment';
import { isLoopback, wholeNumber } from './parsers';

const DEFAULT_DATA_DIR = './data';
const DEFAULT_FILE = 'kyc.sqlite';

/** Absolute path of the folder for what the gateway itself keeps. */
export function readDataDir(reader: EnvironmentReader): string {
  return resolve(reader.text('DATA_DIR') ?? DEFAULT_DATA_DIR);
}

/**
 * @param mode - In production, whether the way to a server on another host is encrypted has to be said, so that personal
 *   data never travels in the clear by oversight.
 */
export function readDatabase(
  reader: EnvironmentReader,
  dataDir: string,
  mode: 'development' | 'production',
): DatabaseConfig {
  const url = reader.text('DATABASE_URL');
  const maxConnections = reader.read('DATABASE_CONNECTIONS', CONNECTIONS, DEFAULT_CONNECTIONS);
  const file = join(dataDir, DEFAULT_FILE);
  const fallback = { kind: 'sqlite', file, setting: 'DATA_DIR' } as const;
  if (url === undefined) return fallback;
  if (/^postgres(ql)?:/.test(url)) {
    const server = readPostgres(url, mode);
    if (typeof server !== 'string') return { ...server, maxConnections };
    reader.fault('DATABASE_URL', server);
    return fallback;
  }
  const path = sqliteFile(url);
  if (path === undefined) reader.fault('DATABASE_URL', '`sqlite:<file>` or `postgres://…`');
  return path === undefined ? fallback : { kind: 'sqlite', file: resolve(path) };
}

// ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** One writes, one loads, and at least two each read by themselves and hold views of the data. */
const CONNECTIONS = wholeNumber(6, 1_000);
const DEFAULT_CONNECTIONS = 10;
const DEFAULT_PORT = 5432;

const PARAMETERS = new Set(['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey']);
const SHAPE = '`postgres://[user[:password]@]host[:port]/database[?sslmode=…]`';

/** @returns what was expected, where the URL is at fault. */
function readPostgres(
  text: string,
  mode: 'development' | 'production',
): Omit<PostgresConfig, 'maxConnections'> | string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = url && decoded(url.pathname.slice(1));
  const user = url && decoded(url.username);
  const password = url && decoded(url.password);
  if (!url || !database || database.includes('/') || user === undefined || password === undefined) {
    return SHAPE;
  }
  const { searchParams: parameters } = url;
  const strange = [...parameters.keys()].find((name) => !PARAMETERS.has(name));
  if (strange !== undefined) return `no other parameters than ${[...PARAMETERS].join(', ')}`;

  const host = parameters.get('host') ?? decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  if (!host) return SHAPE;
  const tls = readTls(parameters);
  if (typeof tls === 'string') return tls;
  if (mode === 'production' && !parameters.has('sslmode') && !isNear(host)) {
    return '`sslmode` for a server on another host (`disable` trusts the network)';
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

/** As libpq has it, but for `allow` and `prefer`, which anybody on the way can turn into `disable`. */
function readTls(parameters: URLSearchParams): TlsConfig | null | string {
  const rootCertificate = parameters.get('sslrootcert');
  const files = {
    rootCertificate,
    certificate: parameters.get('sslcert'),
    key: parameters.get('sslkey'),
  };
  const given = Object.values(files).some((file) => file !== null);
  switch (parameters.get('sslmode') ?? (given ? 'verify-full' : 'disable')) {
    case 'disable':
      return given ? '`sslmode` other than `disable` beside certificates' : null;
    case 'require':
      return { verify: rootCertificate === null ? 'none' : 'ca', ...files };
    case 'verify-ca':
      return rootCertificate === null
        ? '`sslrootcert` beside `sslmode=verify-ca`'
        : { verify: 'ca', ...files };
    case 'verify-full':
      return { verify: 'full', ...files };
    default:
      return '`sslmode` to be one of disable, require, verify-ca, verify-full';
  }
}

/** Nothing between here and there that could listen. */
function isNear(host: string): boolean {
  return host.startsWith('/') || isLoopback(host);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

// ── SQLite ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * `sqlite:data/kyc.sqlite`, `sqlite:/var/kyc.sqlite`, and the URL form of the latter, `sqlite:///var/kyc.sqlite`. A database
 * in memory would be another one for every connection, and forget what it acknowledged.
 */
function sqliteFile(url: string): string | undefined {
  const [, path] = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url) ?? [];
  const usable = path !== undefined && !path.startsWith('//') && path !== ':memory:';
  return usable ? path : undefined;
}
