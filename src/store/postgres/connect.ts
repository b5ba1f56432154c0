/** Options of a PostgreSQL connection: address, TLS, time limits, types. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isNativeError } from 'node:util/types';
import { type ClientConfig, types } from 'pg';
import { ConfigError } from '../../domain/errors';
import type { PostgresConfig } from '../database/options';

/** Maximum duration of a statement, in milliseconds. The longest read pages of large tables without an index. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** Maximum time a writer waits for other writers, in milliseconds. Providers time out after five seconds; the 503 comes sooner. */
const LOCK_TIMEOUT_MS = 2_500;
/** Maximum pause between two statements of a read transaction, in milliseconds. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/**
 * Maximum pause between two statements of a write transaction, in milliseconds. An instance that freezes while it has the lock of
 * the writers blocks the others for this long. A large history gets a longer limit: `allowPause`.
 */
const IDLE_WRITER_TIMEOUT_MS = 4_000;
export const CONNECT_TIMEOUT_MS = 5_000;
/** Limit on the client side, for a network that drops packets: then the error of the server does not arrive. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;

/** @throws {ConfigError} If a certificate cannot be read. */
export function toClientConfig(config: PostgresConfig): ClientConfig {
  const { host, port, database, user, password } = config;
  return {
    host,
    port,
    database,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ssl: toTlsOptions(config),
    application_name: 'kyc-gateway',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** Adds the client-side time limit and the types. Migrations do without: they have no time limit. */
export function withLimits(config: ClientConfig): ClientConfig {
  return { ...config, query_timeout: ANSWER_TIMEOUT_MS, types: { getTypeParser } };
}

/**
 * First statement of every read connection. As startup parameters, PgBouncer rejects these limits unless it is configured to
 * ignore them.
 */
export const READER_LIMITS = toLimits(IDLE_IN_TRANSACTION_TIMEOUT_MS);
/** First statement of every write connection. */
export const WRITER_LIMITS = toLimits(IDLE_WRITER_TIMEOUT_MS);

function toLimits(idleInTransactionMs: number): string {
  return `SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
    SET lock_timeout = ${LOCK_TIMEOUT_MS};
    SET idle_in_transaction_session_timeout = ${idleInTransactionMs}`;
}

function toTlsOptions({ tls }: PostgresConfig): ClientConfig['ssl'] {
  if (tls === null) return false;
  const { verify, rootCertificate, certificate, key } = tls;
  return {
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(rootCertificate === null ? {} : { ca: read('sslrootcert', rootCertificate) }),
    ...(certificate === null ? {} : { cert: read('sslcert', certificate) }),
    ...(key === null ? {} : { key: read('sslkey', key) }),
  };
}

function read(parameter: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = isNativeError(cause) && 'code' in cause ? ` (${cause.code})` : '';
    throw new ConfigError([`DATABASE_URL: ${parameter} ${resolve(file)} cannot be read${code}`], {
      cause,
    });
  }
}

/** Parses IDs and counts as numbers, because a gateway assigns no ID beyond 2^53. Returns JSON as text, for the codecs of the columns. */
const getTypeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  if (format === 'binary') return types.getTypeParser(oid, 'binary');
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.JSON || oid === types.builtins.JSONB) return String;
  return types.getTypeParser(oid, 'text');
};
