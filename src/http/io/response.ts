/** Writes an answer, also to a client that is still sending. */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

export interface HttpResponse {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string;
}

/** Limits on a refused body that is read and dropped, so that the connection can be used again. */
const DRAIN = { bytes: 1024 * 1024, ms: 5_000 };
/** Limits on what is read and dropped of a connection that is about to close: without a byte for `idleMs`, it closes. */
const LINGER = { bytes: 16 * 1024 * 1024, idleMs: 1_000, ms: 5_000 };

/** Nothing of ours is a page, and no page of others is to show or embed it. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Does nothing where the client is gone. Unless `headers` say otherwise, the body is JSON. */
export function sendResponse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpResponse,
): void {
  if (response.destroyed || response.headersSent) return;
  const unread = !request.complete;
  const closes = headers?.connection === 'close' || (unread && announced(request) > DRAIN.bytes);
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
    if (unread) drain(request);
  }
}

/** Size of the body by its header; 0 for one that is sent in chunks. */
function announced({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** Reads the body to its end and drops it; if it is too large or too slow, closes the connection. */
function drain(request: IncomingMessage): void {
  const patience = setTimeout(() => request.destroy(), DRAIN.ms);
  request.on('error', () => {});
  countBytes(request, DRAIN.bytes, () => request.destroy());
  request.once('close', () => clearTimeout(patience)).once('end', () => clearTimeout(patience));
  request.resume();
}

/**
 * Closing while bytes come in resets the connection, and a reset can destroy the answer before the client has read it.
 * So the answer goes out whole, and its end waits until the client has sent the request, within limits.
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

function countBytes(request: IncomingMessage, most: number, onExcess: () => void): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > most) onExcess();
  });
}
