/** Requests with an `Upgrade` header: a WebSocket is followed, any other offer is ignored. */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

const WEBSOCKET = 'websocket';

/** Whether the client offers a WebSocket. Drops other protocols that it offers with it. */
export function chooseWebSocket({ method, headers }: IncomingMessage): boolean {
  const protocols = (headers.upgrade ?? '').split(',').map((name) => name.trim().toLowerCase());
  if (method !== 'GET' || !protocols.includes(WEBSOCKET)) return false;
  headers.upgrade = WEBSOCKET;
  return true;
}

/**
 * Serves a request as if it had no `Upgrade` header, its body and all later requests on the connection included: a server may
 * ignore the header (RFC 9110, section 7.8), and clients such as the JDK's send it with every request.
 *
 * Node.js has detached its parser from the socket by then. So the head of the request is put back in front of what follows
 * it, and the socket goes to the server again, as a new connection would. The option `shouldUpgradeCallback` of later versions
 * is no substitute: where it declines, requests that were sent in the same segment behind this one are lost.
 *
 * @param head - What was received behind the head of the request.
 */
export function serveWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  server.emit('connection', socket);
  socket.unshift(Buffer.concat([headOf(request), head]));
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
