/** Which web pages may talk to `/graphql`: those of our own host, and those that are named. Others are refused. */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

export interface Origins {
  /** Whether a page may open a WebSocket: for those, browsers ask nobody. Programs other than browsers name no origin. */
  mayConnect(request: IncomingMessage): boolean;
  /** What lets a page read an answer; without an entry for it, a browser keeps the answer from the page. */
  headersFor(request: IncomingMessage): OutgoingHttpHeaders;
  /** The answer to a browser that asks whether it may send. */
  preflightFor(request: IncomingMessage): OutgoingHttpHeaders;
}

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, content-type, apollo-require-preflight',
  'access-control-max-age': '600',
};

/** @param allowed - E.g. `https://app.example.com`. */
export function createOrigins(allowed: readonly string[]): Origins {
  const named = new Set(allowed);
  const vary = named.size > 0 ? { vary: 'Origin' } : {};

  function headersFor({ headers: { origin } }: IncomingMessage): OutgoingHttpHeaders {
    if (origin === undefined || !named.has(origin)) return vary;
    return { ...vary, 'access-control-allow-origin': origin };
  }

  return {
    headersFor,
    mayConnect({ headers: { origin, host } }) {
      return origin === undefined || named.has(origin) || hostOf(origin) === host?.toLowerCase();
    },
    preflightFor(request) {
      const headers = headersFor(request);
      return 'access-control-allow-origin' in headers ? { ...headers, ...PREFLIGHT } : headers;
    },
  };
}

/** `undefined` for `null`, which is what pages without an origin send. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
