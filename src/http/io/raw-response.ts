/** Responses on a socket without a `ServerResponse`: to rejected upgrades and to requests that cannot be parsed. */

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../../domain/errors';
import { toProblemDetails, toStatus } from './problem';

/** Time for which a client that is still sending can read the response. */
const LINGER_MS = 1000;

/** Sends an error response and ends the connection. */
export function sendRawError(socket: Duplex, error: GatewayError): void {
  const { status, headers } = toStatus(error);
  const body = toProblemDetails(error);
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  }
  endWithFin(socket);
}

/**
 * Ends the sending side of the connection, then discards received bytes for a moment. Closing a socket with unread bytes resets
 * the connection, and a reset can destroy the response before the client has read it.
 */
export function endWithFin(socket: Duplex): void {
  socket.on('error', () => {}); // the client may have disconnected, and there is no other listener
  socket.end();
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
}
