/** Why a PostgreSQL database could not be opened, for the operator: which variable, which server, which cause. */

import { isNativeError } from 'node:util/types';
import { QueryFailedError } from 'typeorm';
import { ConfigError, GatewayError, StoreUnavailableError } from '../../domain/errors';
import type { PostgresConfig } from '../database/options';
import { CONNECT_TIMEOUT_MS } from './connect';
import { toStoreError } from './errors';

/** Where the server is expected, e.g. `127.0.0.1:5432`, or the path of its socket. Holds neither role nor password. */
export function addressText({ host, port }: PostgresConfig): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Names the variable, the server and the cause of an error that ended the start. STORE_UNAVAILABLE if a later start may
 * succeed with the same configuration, otherwise a `ConfigError`. Returns an error of another kind unchanged.
 */
export function toOpeningError(error: unknown, config: PostgresConfig): unknown {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  if (!isNativeError(cause) || cause instanceof GatewayError) return cause;
  const code = codeOf(cause);
  const words = { at: addressText(config), config, message: hideNames(cause.message, config) };
  const refused = REFUSED[code]?.(words) ?? refusalOf(cause.message, code, words);
  if (refused !== undefined) {
    return new ConfigError([`DATABASE_URL: ${refused}${suffixOf(code)}`], { cause });
  }
  if (!(toStoreError(cause) instanceof StoreUnavailableError)) return cause;
  const away = AWAY[code] ?? AWAY[WITHOUT_CODE.get(cause.message) ?? ''] ?? answered;
  const message = `DATABASE_URL: ${away(words)}${suffixOf(WITHOUT_CODE.get(cause.message) ?? code)}`;
  return new StoreUnavailableError({ cause, message });
}

interface Words {
  readonly at: string;
  readonly config: PostgresConfig;
  /** The server's or the system's own message, without names of roles. */
  readonly message: string;
}

type Describe = (words: Words) => string;

/** The same configuration fails again. */
const REFUSED: Readonly<Record<string, Describe>> = {
  '28000': ({ at, message, config: { tls } }) => {
    if (message.endsWith('does not exist')) return `${at} does not know the role`;
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

const AWAY: Readonly<Record<string, Describe>> = {
  ECONNREFUSED: ({ at }) => `connection refused by ${at}`,
  ECONNRESET: ({ at }) => `${at} closed the connection`,
  EPIPE: ({ at }) => `${at} closed the connection`,
  ETIMEDOUT: ({ at }) => `no answer from ${at} within ${CONNECT_TIMEOUT_MS / 1000} s`,
  EHOSTUNREACH: ({ at }) => `${at} cannot be reached`,
  ENETUNREACH: ({ at }) => `${at} cannot be reached`,
  EAI_AGAIN: ({ config: { host } }) => `no name server answered for the host ${host}`,
  ENOENT: ({ at }) => `there is no socket ${at}`,
  EACCES: ({ at }) => `the socket ${at} may not be opened`,
  '53300': ({ at, message }) => `too many connections to ${at}: ${message}`,
  '57P03': ({ at, message }) => `${at} takes no connections yet: ${message}`,
};

/** The server's own words, for what has none here. */
const answered: Describe = ({ at, message }) => `${at} answered: ${message}`;

/** Errors of the driver that carry no code, and the code of what they mean. */
const WITHOUT_CODE: ReadonlyMap<string, string> = new Map([
  ['timeout expired', 'ETIMEDOUT'],
  ['timeout exceeded when trying to connect', 'ETIMEDOUT'],
  ['Connection terminated due to connection timeout', 'ETIMEDOUT'],
  ['Connection terminated unexpectedly', 'ECONNRESET'],
  ['Connection terminated', 'ECONNRESET'],
]);

/** OpenSSL's codes for a certificate that no known authority has signed, or that has expired, e.g. `CERT_HAS_EXPIRED`. */
const CERTIFICATE = /CERT|LEAF_SIGNATURE/;

/** What is told by the message or the kind of the code alone. */
function refusalOf(message: string, code: string, { at }: Words): string | undefined {
  if (CERTIFICATE.test(code)) {
    return `${at} has no valid certificate of an authority in sslrootcert`;
  }
  if (/^(ERR_SSL|EPROTO)/.test(code)) return `the TLS handshake with ${at} failed`;
  if (message === 'The server does not support SSL connections') {
    return `${at} does not offer TLS, which sslmode asks for`;
  }
  if (message.startsWith('SASL:')) return `${at} does not accept the role or its password`;
  // PgBouncer has this one code for many faults, of which this one is of the configuration.
  if (/unsupported startup parameter/.test(message)) return `${at} answered: ${message}`;
  return undefined;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function suffixOf(code: string): string {
  return code === '' ? '' : ` (${code})`;
}

/** A server's message names the role in quotation marks, a pooler's without. */
function hideNames(message: string, { user, password }: PostgresConfig): string {
  const names = [user, password].filter((name) => name !== null && name !== '');
  const quoted = message.replace(/\b(user|role) "[^"]*"/g, '$1 "…"');
  return names.reduce<string>((text, name) => text.replaceAll(String(name), '…'), quoted);
}
