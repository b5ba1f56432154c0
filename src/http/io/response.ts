/** Sends responses, also to clients that are still sending their request. */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

export interface HttpResponse {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string;
}

/** Limits on an unread body that is discarded so that the connection can be reused. */
const DRAIN = { bytes: 1024 * 1024, ms: 5_000 };
/** Limits on the bytes discarded before the connection is closed. It closes after `idleMs` without any. */
const LINGER = { bytes: 16 * 1024 * 1024, idleMs: 1_000, ms: 5_000 };

/** No response is a page, so none may be rendered or embedded. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Does nothing if the client has disconnected. The default content type is JSON. */
export function sendResponse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpResponse,
): void {
  if (response.destroyed || response.headersSent) return;
  const unread = !request.complete;
  const closes =
    headers?.connection === 'close' || (unread && getContentLength(request) > DRAIN.bytes);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...SECURITY_HEADERS,
    'content-length': Buffer.byteLength(body),
    ...headers,
    ...(closes && { connection: 'close' }),
  });
  if (unread && closes) {
    endAfterRequest(request, response, body);
  } else {
    response.end(body);
    if (unread) discardBody(request);
  }
}

/** 0 for a chunked body. */
function getContentLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** Reads the rest of the body and discards it. If it is too large or too slow, closes the connection. */
function discardBody(request: IncomingMessage): void {
  const deadline = setTimeout(() => request.destroy(), DRAIN.ms);
  request.on('error', () => {});
  countBytes(request, DRAIN.bytes, () => request.destroy());
  request.once('close', () => clearTimeout(deadline)).once('end', () => clearTimeout(deadline));
  request.resume();
}

/**
 * Sends the body, but ends the response only when the client has sent its whole request, within limits. Closing while bytes
 * arrive resets the connection, and a reset can destroy the response before the client has read it.
 */
function endAfterRequest(request: IncomingMessage, response: ServerResponse, body: string): void {
  response.write(body);
  const end = () => {
    clearTimeout(idle);
    clearTimeout(deadline);
    response.end();
  };
  const idle = setTimeout(end, LINGER.idleMs);
  const deadline = setTimeout(end, LINGER.ms);
  countBytes(request, LINGER.bytes, end);
  request.on('data', () => {
    if (!response.writableEnded) idle.refresh();
  });
  request.once('end', end).once('close', end).once('error', end).resume();
}

function countBytes(request: IncomingMessage, maxBytes: number, onExcess: () => void): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) onExcess();
  });
}
