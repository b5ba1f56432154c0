/** Wake-up between instances over Redis pub/sub. */

import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { type Channel, createRemoteWakeup, type RemoteWakeupOptions } from './remote';
import type { Wakeup } from './wakeup';

export interface RedisWakeupOptions
  extends Omit<RemoteWakeupOptions, 'openChannel' | 'service' | 'place'> {
  /** `redis://` or `rediss://`, checked; may hold a password. */
  readonly url: string;
  /** Gateways with another log on the same Redis do not wake each other. */
  readonly logId: string;
}

export function createRedisWakeup({ url, logId, ...options }: RedisWakeupOptions): Wakeup {
  const channel = `kyc-gateway:${logId}`;
  return createRemoteWakeup({
    ...options,
    service: 'Redis',
    place: `REDIS_URL: ${placeOf(new URL(url))}`,
    openChannel: (heard, lost) => openChannel(url, channel, heard, lost),
  });
}

function openChannel(
  url: string,
  channel: string,
  heard: () => void,
  lost: (error: unknown) => void,
): Channel {
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
    publish: () => client.publish(channel, own),
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
