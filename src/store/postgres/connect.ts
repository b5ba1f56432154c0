/** How one connection to PostgreSQL is made: address, TLS, time limits, types. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isNativeError } from 'node:util/types';
import { type ClientConfig, types } from 'pg';
import { ConfigError } from '../../domain/errors';
import type { PostgresConfig } from '../database/options';

/** How long a statement may take, in milliseconds. The longest are pages of large tables that no index is made for. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** How long a writer waits for the others, in milliseconds: providers give up after five seconds and are answered 503 sooner. */
const LOCK_TIMEOUT_MS = 2_500;
/** How long the server keeps a reading transaction in which nothing happens, in milliseconds. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/**
 * The same for a writing one. An instance that is frozen while it holds the lock of the writers blocks the others for this long;
 * between the statements of such a transaction lies only computation. A large history has a longer limit: `allowPause`.
 */
const IDLE_WRITER_TIMEOUT_MS = 4_000;
export const CONNECT_TIMEOUT_MS = 5_000;
/** Where the network keeps silent, the server's own limit cannot be heard. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;

/** @throws {ConfigError} if a certificate cannot be read. */
export function addressOf(config: PostgresConfig): ClientConfig {
  const { host, port, database, user, password } = config;
  return {
    host,
    port,
    database,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ssl: tlsOf(config),
    application_name: 'kyc-gateway',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** For the connections that serve, not for migrations, which take as long as they take. */
export function limited(address: ClientConfig): ClientConfig {
  return { ...address, query_timeout: ANSWER_TIMEOUT_MS, types: { getTypeParser } };
}

/**
 * First statement on every connection that reads. PgBouncer refuses a client that sends these limits as startup parameters,
 * unless it is configured to ignore them.
 */
export const READER_LIMITS = toLimits(IDLE_IN_TRANSACTION_TIMEOUT_MS);
/** First statement on every connection that writes. */
export const WRITER_LIMITS = toLimits(IDLE_WRITER_TIMEOUT_MS);

function toLimits(idleInTransactionMs: number): string {
  return `SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
    SET lock_timeout = ${LOCK_TIMEOUT_MS};
    SET idle_in_transaction_session_timeout = ${idleInTransactionMs}`;
}

function tlsOf({ tls }: PostgresConfig): ClientConfig['ssl'] {
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

/** Ids and counts as numbers: a gateway gives out no id beyond 2^53. JSON as its text: whoever reads a row reads that. */
const getTypeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  if (format === 'binary') return types.getTypeParser(oid, 'binary');
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.JSON || oid === types.builtins.JSONB) return String;
  return types.getTypeParser(oid, 'text');
};
