/** Answers requests to upgrade that are not followed. */

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../domain/errors';
import { problemOf, statusOf } from './problem';

/** The connection ends with the answer. */
export function refuseUpgrade(socket: Duplex, error: GatewayError): void {
  const { status, headers } = statusOf(error);
  const body = problemOf(error);
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => {}); // the client may be gone already, and nobody else listens
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}
