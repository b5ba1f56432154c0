/** A TCP connection on which a test writes HTTP by hand, as slowly and as wrongly as it likes. */

import { connect, type Socket } from 'node:net';
import type { Disposal } from './disposal';

export interface RawConnection {
  readonly socket: Socket;
  write(text: string): void;
  /** Everything received so far. */
  received(): string;
  /** Resolves with everything received once the server has closed the connection. */
  readonly ended: Promise<string>;
}

export function connectRaw(disposal: Disposal, port: number): RawConnection {
  const socket = connect(port, '127.0.0.1');
  disposal.defer(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => {}).once('close', () => resolve(text));
  });
  return {
    socket,
    write: (data) => void socket.write(data),
    received: () => text,
    ended,
  };
}
