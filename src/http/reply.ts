/** Writes an answer, also to a client that is still sending. */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string;
}

/** How long a client may go on sending what nobody reads, so that it comes to read the answer. */
const LINGER_MS = 1000;

/** Nothing of ours is a page, and no page of others is to show or embed it. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Does nothing where the client is gone. Unless `headers` say otherwise, the body is JSON. */
export function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Reply,
): void {
  if (response.destroyed || response.headersSent) return;
  const unread = !request.complete;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...SECURITY_HEADERS,
    'content-length': Buffer.byteLength(body),
    ...headers,
    ...(unread ? { connection: 'close' } : {}),
  });
  if (!unread) response.end(body);
  else endAfterRequest(request, response, body);
}

/**
 * Closing while bytes come in resets the connection, and a reset can destroy the answer before the client has read it.
 * So the answer goes out whole, and the end of it waits until the client is done, though not for long.
 */
function endAfterRequest(request: IncomingMessage, response: ServerResponse, body: string): void {
  response.write(body);
  const end = () => {
    clearTimeout(patience);
    response.end();
  };
  const patience = setTimeout(end, LINGER_MS);
  request.once('end', end).once('close', end).once('error', end).resume();
}
