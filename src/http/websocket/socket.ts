/** Makes `ws` sockets safe to write to: a client that does not read is slowed down first, then closed. */

import type { Duplex } from 'node:stream';
import type { WebSocket as ProtocolSocket } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { SocketLimits } from '../limits/limits';
import { type Bucket, fullBucket, type Monotonic, takeFrom } from '../limits/rate-limiter';

/** Close codes: the stock client comes back after 1012 and 1013, after 4403 with fresh credentials, and never after 4429. */
export const CLOSE = {
  serviceRestart: 1012,
  tryAgainLater: 1013,
  tooManyMessages: 1008,
  badRequest: 4400,
  unauthorized: 4401,
  forbidden: 4403,
  subscriberAlreadyExists: 4409,
  tooManyInitialisations: 4429,
  internalError: 4500,
} as const;

/** Of a close frame, by RFC 6455. */
const MAX_REASON_BYTES = 123;

/** For `graphql-ws`. Its `send` resolves when the message has left the process, or cannot any more. */
export interface GuardedSocket extends ProtocolSocket {
  /** Sends a close frame, and drops the connection if the client does not answer it in time. */
  close(code: number, reason: string): void;
  /** Writes whole frames in one go, unless the client has yet to take what was written before, or they are many bytes. */
  push(frames: readonly Buffer[]): boolean;
  /** Resolves when an item may be made for the client. @returns a function to call once when the item has been sent. */
  turn(): Promise<() => void>;
}

export interface Guard {
  /** @param wire - What `socket` writes to. */
  watch(socket: WebSocket, wire: Duplex): GuardedSocket;
  stop(): void;
}

export interface GuardOptions {
  readonly limits: SocketLimits;
  readonly log: Pick<Logger, 'info'>;
  /** Called with an error that a message has caused. @returns how to close the connection. */
  readonly onFailure: (error: unknown) => { readonly code: number; readonly reason: string };
  /** Told of each connection that is closed because its client does not read. */
  readonly onSlowConsumer: () => void;
  readonly now: Monotonic;
}

/** One connection. */
interface Line {
  readonly socket: WebSocket;
  readonly wire: Duplex;
  unsent: number;
  unsentBytes: number;
  /** Items that are being made or sent. */
  making: number;
  /** Subscriptions that wait for their turn to make one. */
  readonly waiting: (() => void)[];
  /** Whether the client has been heard of since it was asked last. */
  answered: boolean;
  askAt: number;
  /** Messages that the client may still send. */
  readonly messages: Bucket;
  /** Resolves when the connection is; made when first asked for. */
  gone: Promise<void> | null;
}

/** Answers that may wait for a client before its messages are left unread. */
const MAX_UNSENT = 200;
/**
 * Bytes that may wait for a client before its messages are left unread and no more items are made for it: a subscription then
 * stays where it is in the change log. What is made already is sent whatever its size.
 */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** Items for one client that are made or sent at a time: it may have a hundred subscriptions to the same change. */
const MAX_MAKING = 8;
/** Rounds of asking clients whether they are there, in the time in which each is asked once: many, so that each is short. */
const ROUNDS = 500;
const NOTHING = Buffer.alloc(0);

/** There may be ten thousand connections, idle most of the time: each is a small record. */
export function createGuard(options: GuardOptions): Guard {
  const { limits, log, onFailure, onSlowConsumer, now } = options;
  const pace = { perSecond: limits.messagesPerSecond };
  const lines = new Set<Line>(); // the one to be asked next comes first
  const rounds = setInterval(askAround, Math.ceil(limits.keepAliveMs / ROUNDS)).unref();

  function askAround(): void {
    const at = now();
    for (const line of lines) {
      if (line.askAt > at) return;
      line.askAt = at + limits.keepAliveMs;
      lines.delete(line);
      lines.add(line);
      checkAlive(line);
    }
  }

  /** While a message waits for the client, its stall timer judges; a client that is slow cannot answer pings in time. */
  function checkAlive(line: Line): void {
    const { socket } = line;
    if (line.unsent > 0) return;
    if (!line.answered) {
      socket.terminate();
      return;
    }
    line.answered = false;
    void write(line, 0, (done) => socket.ping('', false, done));
  }

  /**
   * A write counts until the operating system has taken it: that is what makes a slow reader felt. One that can no longer
   * be made lasts until the connection is gone, so that nobody goes on making items for it.
   */
  function write(
    line: Line,
    bytes: number,
    start: (done: (error?: Error | null) => void) => void,
  ): Promise<void> {
    const { socket } = line;
    if (socket.readyState !== socket.OPEN) return goneOf(line);
    line.unsent += 1;
    line.unsentBytes += bytes;
    if (isFull(line)) socket.pause();
    return new Promise((resolve) => {
      const stalled = setTimeout(closeStalled, limits.stalledAfterMs, line);
      start((error) => {
        clearTimeout(stalled);
        line.unsent -= 1;
        line.unsentBytes -= bytes;
        if (socket.isPaused && !isFull(line)) socket.resume();
        giveTurns(line);
        resolve(error ? goneOf(line) : undefined);
      });
    });
  }

  function turn(line: Line): Promise<() => void> {
    return new Promise((resolve) => {
      line.waiting.push(() => {
        let held = true;
        line.making += 1;
        resolve(() => {
          if (held) line.making -= 1;
          held = false;
          giveTurns(line);
        });
      });
      giveTurns(line);
    });
  }

  function push(line: Line, frames: readonly Buffer[]): boolean {
    const { socket, wire } = line;
    if (socket.readyState !== socket.OPEN || wire.writableLength > 0) return false;
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (frames.length > 1 && bytes > MAX_UNSENT_BYTES) return false;
    const [only = NOTHING] = frames;
    wire.write(frames.length === 1 ? only : Buffer.concat(frames));
    // Done when the frames are.
    if (wire.writableLength > 0) void write(line, bytes, (done) => wire.write(NOTHING, done));
    return true;
  }

  function closeStalled({ socket, unsent }: Line): void {
    if (socket.readyState !== socket.OPEN) return;
    log.info({ unsent, bufferedBytes: socket.bufferedAmount }, 'closed slow consumer');
    onSlowConsumer();
    close(socket, CLOSE.tryAgainLater, 'SLOW_CONSUMER: a message was not taken in time');
  }

  function close(socket: WebSocket, code: number, reason: string): void {
    if (socket.readyState !== socket.OPEN) return;
    // graphql-ws repeats an ID of any length, and ws throws at a reason that does not fit.
    socket.close(code, Buffer.byteLength(reason) > MAX_REASON_BYTES ? '' : reason);
    dropAfterGrace(socket);
  }

  function dropAfterGrace(socket: WebSocket): void {
    const grace = setTimeout(() => socket.terminate(), limits.closeGraceMs);
    socket.once('close', () => clearTimeout(grace));
  }

  return {
    watch(socket, wire) {
      const at = now();
      const askAt = at + limits.keepAliveMs;
      const messages = fullBucket(pace, at);
      const line: Line = {
        socket,
        wire,
        unsent: 0,
        unsentBytes: 0,
        making: 0,
        waiting: [],
        answered: true,
        askAt,
        messages,
        gone: null,
      };
      const heard = () => {
        line.answered = true;
      };
      lines.add(line);
      socket.on('pong', heard);
      socket.on('ping', (data) => {
        void write(line, data.length, (done) => socket.pong(data, false, done));
      });
      socket.on('message', heard);
      socket.on('error', () => dropAfterGrace(socket)); // a broken frame, too large a message: `ws` has sent the close code for it
      socket.on('close', () => {
        lines.delete(line);
        giveTurns(line);
      });

      return {
        protocol: socket.protocol,
        push: (frames) => push(line, frames),
        send: (data) => write(line, Buffer.byteLength(data), (done) => socket.send(data, done)),
        turn: () => turn(line),
        close: (code, reason) => close(socket, code, reason),
        onMessage(handle) {
          socket.on('message', (data) => {
            if (socket.readyState !== socket.OPEN) return;
            if (takeFrom(messages, pace, now()) > 0) {
              close(socket, CLOSE.tooManyMessages, 'RATE_LIMITED: too many messages');
              return;
            }
            handle(String(data)).catch((error: unknown) => {
              const { code, reason } = onFailure(error);
              close(socket, code, reason);
            });
          });
        },
      };
    },

    stop: () => clearInterval(rounds),
  };
}

/** All of them where nothing can be sent any more: then they find out. */
function giveTurns(line: Line): void {
  const { socket, waiting } = line;
  const mayMake = () =>
    socket.readyState === socket.CLOSED ||
    (line.making < MAX_MAKING && line.unsentBytes < MAX_UNSENT_BYTES);
  while (waiting.length > 0 && mayMake()) waiting.shift()?.();
}

/** Whether so much waits for the client that its messages are left unread. */
function isFull({ unsent, unsentBytes }: Line): boolean {
  return unsent >= MAX_UNSENT || unsentBytes >= MAX_UNSENT_BYTES;
}

function goneOf(line: Line): Promise<void> {
  const { socket } = line;
  line.gone ??= new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) resolve();
    else socket.once('close', () => resolve());
  });
  return line.gone;
}
