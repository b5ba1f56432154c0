/** Answers on a socket that has no `ServerResponse`: to upgrades that are refused, and to requests that cannot be parsed. */

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../../domain/errors';
import { toProblemDetails, toStatus } from './problem';

/** Time for which a client that is still sending can read the answer. */
const LINGER_MS = 1000;

/** Answers and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: GatewayError): void {
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
 * Ends our side of the connection, then drops what still comes for a moment: closing a socket with unread bytes resets the
 * connection, and a reset can destroy the answer before the client has read it.
 */
export function endWithFin(socket: Duplex): void {
  socket.on('error', () => {}); // the client may be gone already, and there is no other listener
  socket.end();
  socket.resume();
  const patience = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(patience));
}
