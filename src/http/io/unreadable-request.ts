/** Requests that Node.js cannot parse, or that do not arrive in time. */

import { GatewayError } from '../../domain/errors';
import { findRoute, type Route } from './router';

export class UnreadableRequestError extends GatewayError {
  constructor(
    /** HTTP status of the answer. */
    readonly status: number,
    expected: string,
  ) {
    super('REQUEST_UNREADABLE', expected);
  }
}

/** By the code of the error that Node.js emits. */
const CAUSES: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'expected the whole request to arrive in time'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'expected smaller chunk extensions'],
  HPE_HEADER_OVERFLOW: [431, 'expected smaller request headers'],
};

const REQUEST_LINE = /^([\w!#$%&'*+.^`|~-]+) (\S+) HTTP\/1\.[01]\r?\n/;

/** The error to answer with: for a method that Node.js does not know, the one that the route gives for any other method. */
export function toUnreadable(
  error: Error & { readonly code?: string; readonly rawPacket?: Buffer },
  routes: readonly Route[],
): GatewayError {
  const { code = '', rawPacket } = error;
  if (code === 'HPE_INVALID_METHOD' && rawPacket !== undefined) {
    const [, method, target] = REQUEST_LINE.exec(rawPacket.toString('latin1')) ?? [];
    if (method !== undefined && target !== undefined) return refusalOf(routes, method, target);
  }
  const [status, expected] = CAUSES[code] ?? [400, 'expected a request in HTTP/1.1'];
  return new UnreadableRequestError(status, expected);
}

function refusalOf(routes: readonly Route[], method: string, target: string): GatewayError {
  try {
    findRoute(routes, method, target);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  return new UnreadableRequestError(400, 'expected a method in capital letters');
}
