/** Errors of opening a PostgreSQL database, with the variable, the server and the cause for the operator. */

import { isNativeError } from 'node:util/types';
import { QueryFailedError } from 'typeorm';
import { ConfigError, GatewayError, StoreUnavailableError } from '../../domain/errors';
import type { PostgresConfig } from '../database/options';
import { CONNECT_TIMEOUT_MS } from './connect';
import { toStoreError } from './errors';

/** Formats the address of the server, for example `127.0.0.1:5432`, or the path of its socket. Contains no role or password. */
export function addressText({ host, port }: PostgresConfig): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Converts an error of the start: to STORE_UNAVAILABLE if a later start may succeed with the same configuration, otherwise to a
 * `ConfigError`. Returns an error of another kind unchanged.
 */
export function toOpeningError(error: unknown, config: PostgresConfig): unknown {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  if (!isNativeError(cause) || cause instanceof GatewayError) return cause;
  const code = getCode(cause);
  const context = { at: addressText(config), config, message: hideNames(cause.message, config) };
  const fault = CONFIG_FAULTS[code]?.(context) ?? findConfigFault(cause.message, code, context);
  if (fault !== undefined) {
    return new ConfigError([`DATABASE_URL: ${fault}${toSuffix(code)}`], { cause });
  }
  if (!(toStoreError(cause) instanceof StoreUnavailableError)) return cause;
  const describe =
    OUTAGES[code] ?? OUTAGES[CODE_BY_MESSAGE.get(cause.message) ?? ''] ?? describeResponse;
  const message = `DATABASE_URL: ${describe(context)}${toSuffix(CODE_BY_MESSAGE.get(cause.message) ?? code)}`;
  return new StoreUnavailableError({ cause, message });
}

interface Context {
  readonly at: string;
  readonly config: PostgresConfig;
  /** Message of the server or the system, without names of roles. */
  readonly message: string;
}

type Describe = (context: Context) => string;

/** Errors with which the same configuration fails again. */
const CONFIG_FAULTS: Readonly<Record<string, Describe>> = {
  '28000': ({ at, message, config: { tls } }) => {
    if (message.endsWith('does not exist')) return `the role does not exist on ${at}`;
    const way = tls === null ? ', or not without TLS (see sslmode)' : '';
    return `${at} does not admit the role from this address${way}`;
  },
  '28P01': ({ at }) => `${at} does not accept the role or its password`,
  '3D000': ({ at, config: { database } }) => `${at} has no database "${database}"`,
  '42501': ({ message }) => `the role lacks a right: ${message}`,
  '25006': ({ at }) => `${at} is read-only, e.g. a replica; name the primary`,
  ENOTFOUND: ({ config: { host } }) => `host not found: ${host}`,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ config: { host } }) =>
    `the certificate names another host than ${host} (sslmode=verify-full)`,
};

/** Errors that may pass. */
const OUTAGES: Readonly<Record<string, Describe>> = {
  ECONNREFUSED: ({ at }) => `connection refused by ${at}`,
  ECONNRESET: ({ at }) => `${at} closed the connection`,
  EPIPE: ({ at }) => `${at} closed the connection`,
  ETIMEDOUT: ({ at }) => `no response from ${at} within ${CONNECT_TIMEOUT_MS / 1000} s`,
  EHOSTUNREACH: ({ at }) => `${at} cannot be reached`,
  ENETUNREACH: ({ at }) => `${at} cannot be reached`,
  EAI_AGAIN: ({ config: { host } }) => `no name server responded for the host ${host}`,
  ENOENT: ({ at }) => `there is no socket ${at}`,
  EACCES: ({ at }) => `the socket ${at} may not be opened`,
  '53300': ({ at, message }) => `too many connections to ${at}: ${message}`,
  '57P03': ({ at, message }) => `${at} does not accept connections yet: ${message}`,
};

/** Fallback for an error in none of the maps above: the message of the server. */
const describeResponse: Describe = ({ at, message }) => `${at} responded: ${message}`;

/** Error codes by message, for driver errors without a code. */
const CODE_BY_MESSAGE: ReadonlyMap<string, string> = new Map([
  ['timeout expired', 'ETIMEDOUT'],
  ['timeout exceeded when trying to connect', 'ETIMEDOUT'],
  ['Connection terminated due to connection timeout', 'ETIMEDOUT'],
  ['Connection terminated unexpectedly', 'ECONNRESET'],
  ['Connection terminated', 'ECONNRESET'],
]);

/** OpenSSL's codes for a certificate that no known authority has signed, or that has expired, e.g. `CERT_HAS_EXPIRED`. */
const CERTIFICATE = /CERT|LEAF_SIGNATURE/;

/** Recognizes configuration errors by the message or the prefix of the code. */
function findConfigFault(message: string, code: string, { at }: Context): string | undefined {
  if (CERTIFICATE.test(code)) {
    return `the certificate of ${at} is expired, or not signed by an authority in sslrootcert`;
  }
  if (/^(ERR_SSL|EPROTO)/.test(code)) return `the TLS handshake with ${at} failed`;
  if (message === 'The server does not support SSL connections') {
    return `${at} does not offer TLS, which sslmode requires`;
  }
  if (message.startsWith('SASL:')) return `${at} does not accept the role or its password`;
  // PgBouncer uses one code for many errors. Only this one is a configuration error.
  if (/unsupported startup parameter/.test(message)) return `${at} responded: ${message}`;
  return undefined;
}

function getCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function toSuffix(code: string): string {
  return code === '' ? '' : ` (${code})`;
}

/** Removes the names of roles. A server quotes them in its messages, a pooler does not. */
function hideNames(message: string, { user, password }: PostgresConfig): string {
  const names = [user, password].filter((name) => name !== null && name !== '');
  const quoted = message.replace(/\b(user|role) "[^"]*"/g, '$1 "…"');
  return names.reduce<string>((text, name) => text.replaceAll(String(name), '…'), quoted);
}
