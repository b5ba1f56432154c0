/** Errors for requests that Node.js cannot parse, or that do not arrive in time. */

import { GatewayError } from '../../domain/errors';
import { findRoute, type Route } from './router';

export class UnreadableRequestError extends GatewayError {
  constructor(
    /** HTTP status of the response. */
    readonly status: number,
    message: string,
  ) {
    super('REQUEST_UNREADABLE', message);
  }
}

/** Status and message by the error code of Node.js. */
const CAUSES: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time. Send it without pauses.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too large.'],
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large.'],
};

const REQUEST_LINE = /^([\w!#$%&'*+.^`|~-]+) (\S+) HTTP\/1\.[01]\r?\n/;

/** For a method that Node.js does not know, returns the same error as the route does for any unsupported method. */
export function toUnreadable(
  error: Error & { readonly code?: string; readonly rawPacket?: Buffer },
  routes: readonly Route[],
): GatewayError {
  const { code = '', rawPacket } = error;
  if (code === 'HPE_INVALID_METHOD' && rawPacket !== undefined) {
    const [, method, target] = REQUEST_LINE.exec(rawPacket.toString('latin1')) ?? [];
    if (method !== undefined && target !== undefined) return findRouteError(routes, method, target);
  }
  const [status, message] = CAUSES[code] ?? [400, 'The request must be valid HTTP/1.1.'];
  return new UnreadableRequestError(status, message);
}

function findRouteError(routes: readonly Route[], method: string, target: string): GatewayError {
  try {
    findRoute(routes, method, target);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  return new UnreadableRequestError(400, 'The method must be in capital letters.');
}
