/**
 * Wake-up of this process and of other instances, over a channel that may be disconnected.
 *
 * Instances also poll. So messages are never queued, and no caller waits for the channel.
 */

import type { Logger } from 'pino';
import { createSignal } from '../signal';
import { createMemoryWakeup, type Wakeup } from './wakeup';

/** One connection to the service that the instances share. Not reused after it is lost. */
export interface Channel {
  /** Resolves when messages of other instances are received. */
  readonly opened: Promise<unknown>;
  /** Wakes the other instances. Resolves when the service has accepted the message. */
  publish(): Promise<unknown>;
  /** Closes at once, even while opening or publishing. Leaves nothing that keeps the process running. */
  close(): void;
}

export interface ChannelEvents {
  /** Called for a message of another instance, never of this one. */
  readonly onMessage: () => void;
  readonly onDisconnect: (error: unknown) => void;
}

export interface RemoteWakeupOptions {
  readonly openChannel: (events: ChannelEvents) => Channel;
  /** Display name of the service, for example `Redis`. */
  readonly service: string;
  /** Variable and server that an operator checks first, for example `REDIS_URL: redis.example.com:6379`. */
  readonly place: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Timeout of each request to the service, after which the channel counts as lost. Default: 5 seconds. */
  readonly timeoutMs?: number;
}

const FIRST_PAUSE_MS = 100;
/** Also the time a channel must stay open before the backoff is reset. */
const LONGEST_PAUSE_MS = 5_000;
/** Interval of publishing without a new entry, which detects a connection that was lost silently. */
const CHECK_MS = 15_000;

/** Reconnects forever, with backoff. Logs once when the channel is lost and once when it is back. */
export function createRemoteWakeup(options: RemoteWakeupOptions): Wakeup {
  const local = createMemoryWakeup();
  const connection = new Connection(options, local.wake);
  return {
    wake() {
      local.wake();
      connection.publish();
    },
    onWake: local.onWake,
    close: () => connection.close(),
  };
}

/**
 * Keeps one channel open.
 *
 * - CONNECTING (initial): opens a channel. Moves to OPEN after a first message was published, to PAUSED on failure.
 * - OPEN: `#channel` is set. Moves to PAUSED if the channel disconnects or a message is not accepted in time.
 * - PAUSED: waits for the backoff, then moves to CONNECTING.
 * - CLOSED: final, entered by `close` from any state.
 */
class Connection {
  readonly #options: RemoteWakeupOptions;
  readonly #onWake: () => void;
  readonly #closing = createSignal();
  readonly #checking: NodeJS.Timeout;
  readonly #running: Promise<void>;
  /** The open channel. Null in every state but OPEN. */
  #channel: Channel | null = null;
  /** Ends the current channel, open or not. Has no effect on later ones. */
  #disconnect: (error: unknown) => void = () => {};
  #publishing = false;
  #publishAgain = false;
  #closed = false;

  /** @param onWake - Called for messages, and when the channel opens, because earlier ones were missed. */
  constructor(options: RemoteWakeupOptions, onWake: () => void) {
    this.#options = options;
    this.#onWake = onWake;
    this.#checking = setInterval(() => this.publish(), CHECK_MS);
    this.#checking.unref();
    this.#running = this.#run();
  }

  /** Publishes if the channel is open. One message is in flight at a time; calls during it cause one more. */
  publish(): void {
    if (this.#channel === null) return;
    if (this.#publishing) {
      this.#publishAgain = true;
      return;
    }
    this.#publishing = true;
    this.#publishAgain = false;
    void this.#withTimeout(this.#channel.publish())
      .catch(this.#disconnect) // closes the channel of this message, never a newer one
      .then(() => {
        this.#publishing = false;
        if (this.#publishAgain) this.publish();
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#checking);
    this.#closing.notify();
    this.#disconnect(null);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, service, place } = this.#options;
    let failures = 0;
    let disconnected = false;
    const onOpen = () => {
      if (disconnected) log.info({ service }, 'wake-up channel reconnected');
      disconnected = false;
    };
    while (!this.#closed) {
      const { err, openMs } = await this.#useChannel(onOpen);
      if (this.#closed) return;
      if (!disconnected) {
        log.warn({ err, service, place }, 'wake-up channel disconnected; falling back to polling');
      }
      disconnected = true;
      failures = openMs < LONGEST_PAUSE_MS ? failures + 1 : 1;
      await this.#closing.wait(getPauseMs(failures));
    }
  }

  /** Opens a channel and resolves when it is lost, with the cause and the time it was open. */
  async #useChannel(onOpen: () => void): Promise<{ err: unknown; openMs: number }> {
    let openedAt: number | null = null;
    let lost = false;
    const ended = new Promise<unknown>((resolve) => {
      this.#disconnect = (error) => {
        if (lost) return;
        lost = true;
        this.#channel = null;
        resolve(error);
      };
    });
    const onDisconnect = this.#disconnect;
    const channel = this.#options.openChannel({ onMessage: this.#onWake, onDisconnect });
    this.#assertWorks(channel).then(() => {
      if (lost) return;
      this.#channel = channel;
      openedAt = performance.now();
      onOpen();
      this.#onWake();
    }, onDisconnect);
    const err = await ended;
    channel.close();
    return { err, openMs: openedAt === null ? 0 : performance.now() - openedAt };
  }

  /** Publishes once, because a channel may open and reject messages. Also wakes instances that missed earlier messages. */
  async #assertWorks(channel: Channel): Promise<void> {
    await this.#withTimeout(channel.opened);
    await this.#withTimeout(channel.publish());
  }

  async #withTimeout<T>(response: Promise<T>): Promise<T> {
    const { timeoutMs = 5_000 } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const onTimeout = () => reject(new Error(`no response within ${timeoutMs} ms`));
      timer = setTimeout(onTimeout, timeoutMs).unref();
    });
    return await Promise.race([response, timeout]).finally(() => clearTimeout(timer));
  }
}

/** Randomized, so that instances that were disconnected together do not reconnect together. */
function getPauseMs(failures: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return longest * (0.5 + Math.random() / 2);
}
