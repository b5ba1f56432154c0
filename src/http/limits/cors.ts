/** Which web pages may use `/graphql`: pages of the gateway's own host, and allowed origins. Others are refused. */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { LogRejection } from './rejection-log';

export interface CorsPolicy {
  /** Whether a page may open a WebSocket: for those, browsers send no preflight. Programs other than browsers name no origin. */
  mayConnect(request: IncomingMessage): boolean;
  /** Headers that let a page read a response; without an entry for its origin, a browser withholds the response from it. */
  headersFor(request: IncomingMessage): OutgoingHttpHeaders;
  /** Headers of the response to a preflight. */
  preflightFor(request: IncomingMessage): OutgoingHttpHeaders;
}

export interface CorsOptions {
  /** Matched as written, for example `https://app.example.com`, `capacitor://localhost`. */
  readonly allowedOrigins: readonly string[];
  /** Whether pages served from this machine, on any port, are allowed too. */
  readonly allowLocalOrigins: boolean;
  /** Proxies in front of the gateway. With at least one, `X-Forwarded-Host` is read. */
  readonly trustedProxies: number;
  readonly logRejection: LogRejection;
}

const LOCAL = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** A list of header names. */
const NAMES = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/;
const MAX_NAMES_LENGTH = 2048;
/** For a preflight that names no headers, or names them in a form that is not echoed. */
const USUAL_NAMES = 'authorization, content-type, apollo-require-preflight';

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-max-age': '7200', // the most that Chromium takes
};
/** Response headers that a page may read beside those that it always may. */
const EXPOSED = { 'access-control-expose-headers': 'retry-after, www-authenticate' };

export function createCorsPolicy(options: CorsOptions): CorsPolicy {
  const { allowLocalOrigins, trustedProxies, logRejection } = options;
  const named = new Set(options.allowedOrigins);
  const vary = named.size > 0 || allowLocalOrigins ? { vary: 'Origin' } : {};

  function isAllowed(origin: string): boolean {
    return named.has(origin) || (allowLocalOrigins && LOCAL.test(origin));
  }

  function tell(origin: string, message: string): void {
    logRejection({ origin: loggable(origin), setting: 'ALLOWED_ORIGINS' }, message);
  }

  return {
    headersFor({ headers: { origin } }) {
      if (origin === undefined || !isAllowed(origin)) return vary;
      return { ...vary, ...EXPOSED, 'access-control-allow-origin': origin };
    },

    mayConnect(request) {
      const { origin } = request.headers;
      if (origin === undefined || isAllowed(origin)) return true;
      const own = hostsOf(request, trustedProxies).some((host) => isPageOf(host, origin));
      if (!own) tell(origin, 'a page of another origin may not open a WebSocket');
      return own;
    },

    preflightFor({ headers }) {
      const { origin } = headers;
      if (origin === undefined) return vary;
      if (!isAllowed(origin)) {
        tell(origin, 'a page of another origin may not send requests');
        return vary;
      }
      return {
        ...PREFLIGHT,
        vary: 'Origin, Access-Control-Request-Headers',
        'access-control-allow-origin': origin,
        'access-control-allow-headers': namesToAllow(headers['access-control-request-headers']),
      };
    },
  };
}

/** The names as requested: credentials are in a header, so no header that a page adds gives it more rights. */
function namesToAllow(requested: string | undefined): string {
  const echoed = requested !== undefined && requested.length <= MAX_NAMES_LENGTH;
  return echoed && NAMES.test(requested) ? requested : USUAL_NAMES;
}

interface PublicHost {
  readonly host: string;
  /** Whether the port may be missing although the page has one. */
  readonly anyPort: boolean;
}

/**
 * Hosts under which clients reach the gateway. A proxy may replace `Host` by its own target, or drop the port. Pages cannot
 * set any of these headers.
 */
function hostsOf({ headers }: IncomingMessage, trustedProxies: number): readonly PublicHost[] {
  const behindProxy = trustedProxies > 0;
  const forwarded = behindProxy ? String(headers['x-forwarded-host'] ?? '').split(',') : [];
  return [headers.host ?? '', ...forwarded].map((host) => ({
    host: host.trim(),
    anyPort: behindProxy && !/:\d+$/.test(host.trim()),
  }));
}

/** The scheme of the page tells which port is meant where `host` names none. */
function isPageOf({ host, anyPort }: PublicHost, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  const own = `${page.protocol}//${host}`;
  if (host === '' || !/^https?:$/.test(page.protocol) || !URL.canParse(own)) return false;
  const { host: ownHost, hostname } = new URL(own);
  return ownHost === page.host || (anyPort && hostname === page.hostname);
}

/** Without anything but scheme, host and port, and bounded in length. */
function loggable(origin: string): string {
  if (!URL.canParse(origin)) return origin === 'null' ? 'null' : 'malformed';
  const { protocol, host } = new URL(origin);
  return `${protocol}//${host}`.slice(0, 200);
}
