/** Requests with an `Upgrade` header. WebSockets are accepted; other protocols are ignored. */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

const WEBSOCKET = 'websocket';

/** Whether the client offers a WebSocket. Removes any other offered protocol from the header. */
export function chooseWebSocket({ method, headers }: IncomingMessage): boolean {
  const protocols = (headers.upgrade ?? '').split(',').map((name) => name.trim().toLowerCase());
  if (method !== 'GET' || !protocols.includes(WEBSOCKET)) return false;
  headers.upgrade = WEBSOCKET;
  return true;
}

/**
 * Serves the request, its body and all later requests on the connection as if it had no `Upgrade` header. A server may ignore the
 * header (RFC 9110, section 7.8), and some clients, such as the JDK's, send it with every request.
 *
 * By this time Node.js has detached its parser from the socket. This function therefore puts the request head back on the socket
 * and passes the socket to the server like a new connection. The option `shouldUpgradeCallback` of later versions of Node.js
 * cannot replace it: if the callback declines, pipelined requests in the same segment are lost.
 *
 * @param head - Bytes received after the request head.
 */
export function serveWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  server.emit('connection', socket);
  socket.unshift(Buffer.concat([formatHead(request), head]));
}

function formatHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
