/** Makes a `ws` socket safe to write to: a client that does not read is slowed down first, then closed. */

import type { Duplex } from 'node:stream';
import type { WebSocket as ProtocolSocket } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { SocketLimits } from './limits';

/** Close codes: the stock client comes back after 1012 and 1013, and after 4403 with fresh credentials. */
export const CLOSE = {
  serviceRestart: 1012,
  tryAgainLater: 1013,
  forbidden: 4403,
  internalError: 4500,
} as const;

export interface GuardedSocket {
  /** Writes whole frames in one go, unless the client has yet to take what was written before. */
  push(frames: readonly Buffer[]): boolean;
  /** For `graphql-ws`. Its `send` resolves when the message has left the process, or cannot any more. */
  readonly protocolSocket: ProtocolSocket;
  /** Sends a close frame, and drops the connection if the client does not answer it in time. */
  close(code: number, reason: string): void;
}

export interface GuardedSocketOptions {
  readonly limits: SocketLimits;
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** The close code for an error that a message has caused. */
  readonly closeCodeOf: (error: unknown) => number;
}

const NOTHING = Buffer.alloc(0);

/** Answers that may wait for a client before we stop reading what else it has to say. */
const MAX_UNSENT = 200;

/** @param wire - What `socket` writes to. */
export function guardSocket(
  socket: WebSocket,
  wire: Duplex,
  options: GuardedSocketOptions,
): GuardedSocket {
  const { limits, log } = options;
  let unsent = 0;
  let answered = true;
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));

  function close(code: number, reason: string): void {
    if (socket.readyState !== socket.OPEN) return;
    socket.close(code, reason);
    dropAfterGrace();
  }

  function dropAfterGrace(): void {
    const grace = setTimeout(() => socket.terminate(), limits.closeGraceMs);
    socket.once('close', () => clearTimeout(grace));
  }

  function closeStalled(): void {
    if (socket.readyState !== socket.OPEN) return;
    log.info({ unsent, bufferedBytes: socket.bufferedAmount }, 'a client does not read; closing');
    close(CLOSE.tryAgainLater, 'SLOW_CONSUMER: a message was not taken in time');
  }

  /**
   * A write counts until the operating system has taken it: that is what makes a slow reader felt. One that can no longer
   * be made lasts until the connection is gone, so that nobody goes on making items for it.
   */
  function write(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (socket.readyState !== socket.OPEN) return gone;
    unsent += 1;
    if (unsent === MAX_UNSENT) socket.pause();
    return new Promise((resolve) => {
      const stalled = setTimeout(closeStalled, limits.stalledAfterMs);
      start((error) => {
        clearTimeout(stalled);
        unsent -= 1;
        if (socket.isPaused && unsent < MAX_UNSENT) socket.resume();
        resolve(error ? gone : undefined);
      });
    });
  }

  function push(frames: readonly Buffer[]): boolean {
    if (socket.readyState !== socket.OPEN || wire.writableLength > 0) return false;
    const [only = NOTHING] = frames;
    wire.write(frames.length === 1 ? only : Buffer.concat(frames));
    if (wire.writableLength > 0) void write((done) => wire.write(NOTHING, done)); // done when the frame is
    return true;
  }

  /** While a message waits for the client, its stall timer judges; a client that is slow cannot answer pings in time. */
  function checkAlive(): void {
    if (unsent > 0) return;
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    void write((done) => socket.ping('', false, done));
  }

  const keepAlive = setInterval(checkAlive, limits.keepAliveMs);
  socket.on('pong', () => {
    answered = true;
  });
  socket.on('ping', (data) => void write((done) => socket.pong(data, false, done)));
  socket.on('message', () => {
    answered = true;
  });
  socket.on('error', dropAfterGrace); // a broken frame, too large a message: `ws` has sent the close code for it
  socket.once('close', () => clearInterval(keepAlive));

  return {
    push,
    close,
    protocolSocket: {
      protocol: socket.protocol,
      send: (data) => write((done) => socket.send(data, done)),
      close: (code, reason) => close(code ?? CLOSE.internalError, reason ?? ''),
      onMessage(handle) {
        socket.on('message', (data) => {
          handle(String(data)).catch((err: unknown) => {
            log.error({ err }, 'a WebSocket message could not be handled');
            close(options.closeCodeOf(err), 'something went wrong on our side');
          });
        });
      },
    },
  };
}
