/**
 * Protects the process from clients of a WebSocket that do not read, do not respond or send too much.
 *
 * - A write is pending until the operating system has accepted it. While more than 200 writes or 1 MiB are pending, no messages
 *   are read from the client (TCP backpressure) and no items are computed for it: its subscriptions stay at their position in
 *   the change log.
 * - If a write is pending for `stalledAfterMs`, the connection is closed with `SLOW_CONSUMER`.
 * - If a ping is not answered, the connection is terminated. See `checkAlive`.
 * - If the client sends too many messages, the connection is closed with 1008.
 *
 * There may be ten thousand connections, mostly idle, so a connection uses little memory.
 */

import type { Duplex } from 'node:stream';
import type { WebSocket as ProtocolSocket } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { SocketLimits } from '../limits/limits';
import {
  type Bucket,
  fullBucket,
  type Monotonic,
  type RateLimit,
  takeFrom,
} from '../limits/rate-limiter';

/** Close codes. The standard client reconnects after 1012 and 1013, after 4403 with new credentials, and never after 4429. */
export const CLOSE = {
  serviceRestart: 1012,
  tryAgainLater: 1013,
  tooManyMessages: 1008,
  badRequest: 4400,
  unauthorized: 4401,
  forbidden: 4403,
  subscriberAlreadyExists: 4409,
  tooManyInitializations: 4429,
  internalError: 4500,
} as const;

export interface GuardedSocketOptions {
  readonly limits: SocketLimits;
  readonly log: Pick<Logger, 'info'>;
  /** Maps an error thrown while handling a message to the close frame. */
  readonly toCloseFrame: (error: unknown) => CloseFrame;
  /** Called when a connection is closed because its client does not read. */
  readonly onSlowConsumer: () => void;
  readonly now: Monotonic;
}

export interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

/** Size of the reason in a close frame (RFC 6455). */
const MAX_REASON_BYTES = 123;
/** Pending writes above which no messages are read from the client. */
const MAX_PENDING = 200;
/** Pending bytes above which no messages are read from the client and no items are computed for it. */
const MAX_PENDING_BYTES = 1024 * 1024;
/** Items computed or sent at a time for one client, which may have a hundred subscriptions to the same change. */
const MAX_ACTIVE_TURNS = 8;
const EMPTY = Buffer.alloc(0);

/** A WebSocket for graphql-ws. `send` resolves when the message has left the process or the connection is closed. */
export class GuardedSocket implements ProtocolSocket {
  readonly #options: GuardedSocketOptions;
  readonly #socket: WebSocket;
  readonly #wire: Duplex;
  readonly #messageRate: RateLimit;
  readonly #messages: Bucket;
  #pending = 0;
  #pendingBytes = 0;
  /** Turns in use. See `turn`. */
  #activeTurns = 0;
  /** Subscriptions that wait for a turn. */
  readonly #waiting: (() => void)[] = [];
  /** Whether the client has sent anything since the last ping. */
  #alive = true;
  /** Created on first use. */
  #closed: Promise<void> | null = null;

  /** @param wire - Stream that `socket` writes to. */
  constructor(options: GuardedSocketOptions, socket: WebSocket, wire: Duplex) {
    this.#options = options;
    this.#socket = socket;
    this.#wire = wire;
    this.#messageRate = { perSecond: options.limits.messagesPerSecond };
    this.#messages = fullBucket(this.#messageRate, options.now());
    const onReceived = () => {
      this.#alive = true;
    };
    socket.on('pong', onReceived);
    socket.on('message', onReceived);
    socket.on('ping', (data) => {
      void this.#write(data.length, (done) => socket.pong(data, false, done));
    });
    // For an invalid frame or too large a message, `ws` has already sent the close frame.
    socket.on('error', () => this.#terminateAfterGrace());
    socket.on('close', () => this.#grantTurns());
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  send(data: string): Promise<void> {
    return this.#write(Buffer.byteLength(data), (done) => this.#socket.send(data, done));
  }

  /**
   * Writes whole frames at once. Returns false, and writes nothing, if earlier writes are pending, if several frames exceed
   * 1 MiB, or if the connection is closed.
   */
  push(frames: readonly Buffer[]): boolean {
    const wire = this.#wire;
    if (!this.#isOpen || wire.writableLength > 0) return false;
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (frames.length > 1 && bytes > MAX_PENDING_BYTES) return false;
    const [only = EMPTY] = frames;
    wire.write(frames.length === 1 ? only : Buffer.concat(frames));
    // An empty write completes when the frames do.
    if (wire.writableLength > 0) void this.#write(bytes, (done) => wire.write(EMPTY, done));
    return true;
  }

  /** Resolves when an item may be computed for the client. @returns a function to call when the item has been sent. */
  turn(): Promise<() => void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        let active = true;
        this.#activeTurns += 1;
        resolve(() => {
          if (active) this.#activeTurns -= 1;
          active = false;
          this.#grantTurns();
        });
      });
      this.#grantTurns();
    });
  }

  /** Sends a close frame. Terminates the connection if the client does not respond within `closeGraceMs`. */
  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    // graphql-ws repeats operation IDs of any length, and ws throws if the reason is too long.
    this.#socket.close(code, Buffer.byteLength(reason) > MAX_REASON_BYTES ? '' : reason);
    this.#terminateAfterGrace();
  }

  onMessage(handle: (text: string) => Promise<void>): void {
    const { now, toCloseFrame } = this.#options;
    this.#socket.on('message', (data) => {
      if (!this.#isOpen) return;
      if (takeFrom(this.#messages, this.#messageRate, now()) > 0) {
        this.close(CLOSE.tooManyMessages, 'RATE_LIMITED: too many messages');
        return;
      }
      handle(String(data)).catch((error: unknown) => {
        const { code, reason } = toCloseFrame(error);
        this.close(code, reason);
      });
    });
  }

  /**
   * Sends a ping, or terminates the connection if the previous one was not answered. Does nothing while a write is pending: a
   * slow client cannot answer in time, and the stall timeout applies to it.
   */
  checkAlive(): void {
    if (this.#pending > 0) return;
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    void this.#write(0, (done) => this.#socket.ping('', false, done));
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  get #isFull(): boolean {
    return this.#pending >= MAX_PENDING || this.#pendingBytes >= MAX_PENDING_BYTES;
  }

  /**
   * Resolves when the operating system has accepted the bytes. A write that is no longer possible resolves when the connection
   * is closed, so that no further items are computed.
   */
  #write(bytes: number, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (!this.#isOpen) return this.#whenClosed();
    this.#pending += 1;
    this.#pendingBytes += bytes;
    if (this.#isFull) this.#socket.pause();
    return new Promise((resolve) => {
      const { stalledAfterMs } = this.#options.limits;
      const stalled = setTimeout(() => this.#closeStalled(), stalledAfterMs);
      start((error) => {
        clearTimeout(stalled);
        this.#pending -= 1;
        this.#pendingBytes -= bytes;
        if (this.#socket.isPaused && !this.#isFull) this.#socket.resume();
        this.#grantTurns();
        resolve(error ? this.#whenClosed() : undefined);
      });
    });
  }

  #closeStalled(): void {
    if (!this.#isOpen) return;
    const { log, onSlowConsumer } = this.#options;
    const { bufferedAmount: bufferedBytes } = this.#socket;
    log.info({ pending: this.#pending, bufferedBytes }, 'closed slow consumer');
    onSlowConsumer();
    this.close(CLOSE.tryAgainLater, 'SLOW_CONSUMER: a message was not read in time');
  }

  #terminateAfterGrace(): void {
    const grace = setTimeout(() => this.#socket.terminate(), this.#options.limits.closeGraceMs);
    this.#socket.once('close', () => clearTimeout(grace));
  }

  /** Grants turns up to the limit. If the connection is closed, grants all: each holder then finds it closed. */
  #grantTurns(): void {
    while (this.#waiting.length > 0 && this.#mayGrant) this.#waiting.shift()?.();
  }

  get #mayGrant(): boolean {
    return (
      this.#socket.readyState === this.#socket.CLOSED ||
      (this.#activeTurns < MAX_ACTIVE_TURNS && this.#pendingBytes < MAX_PENDING_BYTES)
    );
  }

  #whenClosed(): Promise<void> {
    const socket = this.#socket;
    this.#closed ??= new Promise((resolve) => {
      if (socket.readyState === socket.CLOSED) resolve();
      else socket.once('close', () => resolve());
    });
    return this.#closed;
  }
}
