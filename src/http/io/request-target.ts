/** Request targets in absolute form, as a client sends them to a proxy. */

import type { IncomingMessage } from 'node:http';

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Rewrites `POST http://host/path` to `POST /path` with `Host: host`: a server accepts both forms for every resource, and the
 * host of the target replaces the header. Leaves any other target as it is.
 *
 * @see RFC 9112, section 3.2.2
 */
export function toOriginForm(request: IncomingMessage): void {
  const [, host, rest] = ABSOLUTE.exec(request.url ?? '') ?? [];
  if (host === undefined || rest === undefined) return;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = host;
}
