/** Wake-up between instances over Redis pub/sub. */

import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { createSharedWakeup, type Line, type SharedWakeupOptions } from './shared-wakeup';
import type { Wakeup } from './wakeup';

export interface RedisWakeupOptions
  extends Omit<SharedWakeupOptions, 'openLine' | 'service' | 'place'> {
  /** `redis://` or `rediss://`, checked; may hold a password. */
  readonly url: string;
  /** Gateways with another log on the same Redis do not wake each other. */
  readonly logId: string;
}

export function createRedisWakeup({ url, logId, ...options }: RedisWakeupOptions): Wakeup {
  const channel = `kyc-gateway:${logId}`;
  return createSharedWakeup({
    ...options,
    service: 'Redis',
    place: `REDIS_URL: ${placeOf(new URL(url))}`,
    openLine: (heard, lost) => openLine(url, channel, heard, lost),
  });
}

function openLine(
  url: string,
  channel: string,
  heard: () => void,
  lost: (error: unknown) => void,
): Line {
  /** All that a message says: who sent it. Redis sends it back to its sender, who has no use for it. */
  const own = randomUUID();
  const client = createClient({
    url,
    RESP: 3, // one connection may then both listen and tell
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: { reconnectStrategy: false },
  });
  client.on('error', lost);
  const connected = client.connect();
  return {
    opened: connected.then(() =>
      client.subscribe(channel, (sender) => {
        if (sender !== own) heard();
      }),
    ),
    tell: () => client.publish(channel, own),
    close() {
      client.destroy();
      // A socket that is still being opened is out of reach until it is open.
      connected.then(
        () => client.destroy(),
        () => {},
      );
    },
  };
}

/** Without user and password. */
function placeOf({ hostname, port }: URL): string {
  return `${hostname}:${port || 6379}`;
}
