/** Pings all connections once per interval. */

import type { Monotonic } from '../limits/rate-limiter';

/** Ticks per interval. Many, so that each tick pings few connections and takes little time. */
const TICKS = 500;

interface Pingable {
  /** Sends a ping, or ends the connection if the previous one was not answered. */
  checkAlive(): void;
}

export interface KeepAlive<Connection extends Pingable> {
  add(connection: Connection): void;
  delete(connection: Connection): void;
  stop(): void;
}

export function createKeepAlive<Connection extends Pingable>(
  intervalMs: number,
  now: Monotonic,
): KeepAlive<Connection> {
  /** Time of the next ping. The connection to ping next comes first. */
  const pingAt = new Map<Connection, number>();

  function tick(): void {
    const time = now();
    for (const [connection, at] of pingAt) {
      if (at > time) return;
      pingAt.delete(connection);
      pingAt.set(connection, time + intervalMs);
      connection.checkAlive();
    }
  }

  const timer = setInterval(tick, Math.ceil(intervalMs / TICKS)).unref();
  return {
    add: (connection) => void pingAt.set(connection, now() + intervalMs),
    delete: (connection) => void pingAt.delete(connection),
    stop: () => clearInterval(timer),
  };
}
