/** Cross-origin policy of `/graphql`: only pages of the gateway's own host and of allowed origins may use it. */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { LogRejection } from './rejection-log';

export interface CorsPolicy {
  /** Whether the page may open a WebSocket, for which browsers send no preflight. Clients other than browsers send no `Origin`. */
  mayConnect(request: IncomingMessage): boolean;
  /** Headers with which an allowed page can read the response. For other pages, the browser withholds it. */
  headersFor(request: IncomingMessage): OutgoingHttpHeaders;
  /** Headers of the response to a preflight. */
  preflightFor(request: IncomingMessage): OutgoingHttpHeaders;
}

export interface CorsOptions {
  /** Matched as written, for example `https://app.example.com`, `capacitor://localhost`. */
  readonly allowedOrigins: readonly string[];
  /** Whether pages served from this machine, on any port, are also allowed. */
  readonly allowLocalOrigins: boolean;
  /** Proxies in front of the gateway. With at least one, `X-Forwarded-Host` is read. */
  readonly trustedProxies: number;
  readonly logRejection: LogRejection;
}

const LOCAL = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** List of header names. */
const NAMES = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/;
const MAX_NAMES_LENGTH = 2048;
/** Used if a preflight lists no headers, or a list that is too long or malformed. */
const DEFAULT_NAMES = 'authorization, content-type, apollo-require-preflight';

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-max-age': '7200', // the maximum of Chromium
};
/** Response headers that a page may read in addition to the CORS-safelisted ones. */
const EXPOSED = { 'access-control-expose-headers': 'retry-after, www-authenticate' };

export function createCorsPolicy(options: CorsOptions): CorsPolicy {
  const { allowLocalOrigins, trustedProxies, logRejection } = options;
  const allowedOrigins = new Set(options.allowedOrigins);
  const vary = allowedOrigins.size > 0 || allowLocalOrigins ? { vary: 'Origin' } : {};

  function isAllowed(origin: string): boolean {
    return allowedOrigins.has(origin) || (allowLocalOrigins && LOCAL.test(origin));
  }

  function logOrigin(origin: string, message: string): void {
    logRejection({ origin: toLoggable(origin), setting: 'ALLOWED_ORIGINS' }, message);
  }

  return {
    headersFor({ headers: { origin } }) {
      if (origin === undefined || !isAllowed(origin)) return vary;
      return { ...vary, ...EXPOSED, 'access-control-allow-origin': origin };
    },

    mayConnect(request) {
      const { origin } = request.headers;
      if (origin === undefined || isAllowed(origin)) return true;
      const own = getHosts(request, trustedProxies).some((host) => isPageOf(host, origin));
      if (!own) logOrigin(origin, 'rejected WebSocket from a page of another origin');
      return own;
    },

    preflightFor({ headers }) {
      const { origin } = headers;
      if (origin === undefined) return vary;
      if (!isAllowed(origin)) {
        logOrigin(origin, 'rejected request from a page of another origin');
        return vary;
      }
      return {
        ...PREFLIGHT,
        vary: 'Origin, Access-Control-Request-Headers',
        'access-control-allow-origin': origin,
        'access-control-allow-headers': toAllowedNames(headers['access-control-request-headers']),
      };
    },
  };
}

/** Allows all requested names. Credentials are in a header, so no header that a page adds gives it more rights. */
function toAllowedNames(requested: string | undefined): string {
  const echoed = requested !== undefined && requested.length <= MAX_NAMES_LENGTH;
  return echoed && NAMES.test(requested) ? requested : DEFAULT_NAMES;
}

interface PublicHost {
  readonly host: string;
  /** Whether `host` may lack the port of the page. */
  readonly anyPort: boolean;
}

/**
 * Hosts by which clients may reach the gateway. A proxy may replace `Host` with its own target, or drop the port. Pages cannot
 * set any of these headers.
 */
function getHosts({ headers }: IncomingMessage, trustedProxies: number): readonly PublicHost[] {
  const behindProxy = trustedProxies > 0;
  const forwarded = behindProxy ? String(headers['x-forwarded-host'] ?? '').split(',') : [];
  return [headers.host ?? '', ...forwarded].map((host) => ({
    host: host.trim(),
    anyPort: behindProxy && !/:\d+$/.test(host.trim()),
  }));
}

/** If `host` has no port, uses the default port of the page's scheme. */
function isPageOf({ host, anyPort }: PublicHost, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  const own = `${page.protocol}//${host}`;
  if (host === '' || !/^https?:$/.test(page.protocol) || !URL.canParse(own)) return false;
  const { host: ownHost, hostname } = new URL(own);
  return ownHost === page.host || (anyPort && hostname === page.hostname);
}

/** Scheme, host and port only, truncated. */
function toLoggable(origin: string): string {
  if (!URL.canParse(origin)) return origin === 'null' ? 'null' : 'malformed';
  const { protocol, host } = new URL(origin);
  return `${protocol}//${host}`.slice(0, 200);
}
