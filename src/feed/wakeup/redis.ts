/** Wake-up between instances over Redis pub/sub. */

import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import {
  type Channel,
  type ChannelEvents,
  createRemoteWakeup,
  type RemoteWakeupOptions,
} from './remote';
import type { Wakeup } from './wakeup';

export interface RedisWakeupOptions
  extends Omit<RemoteWakeupOptions, 'openChannel' | 'service' | 'place'> {
  /** Validated `redis://` or `rediss://` URL. May contain a password. */
  readonly url: string;
  /** Part of the channel name, so that gateways with different logs can share one Redis. */
  readonly logId: string;
}

export function createRedisWakeup({ url, logId, ...options }: RedisWakeupOptions): Wakeup {
  const channel = `kyc-gateway:${logId}`;
  return createRemoteWakeup({
    ...options,
    service: 'Redis',
    place: `REDIS_URL: ${toHostAndPort(new URL(url))}`,
    openChannel: (events) => openChannel(url, channel, events),
  });
}

function openChannel(
  url: string,
  channel: string,
  { onMessage, onDisconnect }: ChannelEvents,
): Channel {
  /** The only content of a message: the sender. Redis also sends a message to its sender, which ignores it. */
  const ownId = randomUUID();
  const client = createClient({
    url,
    RESP: 3, // allows one connection to both subscribe and publish
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: { reconnectStrategy: false },
  });
  client.on('error', onDisconnect);
  const connected = client.connect();
  return {
    opened: connected.then(() =>
      client.subscribe(channel, (senderId) => {
        if (senderId !== ownId) onMessage();
      }),
    ),
    publish: () => client.publish(channel, ownId),
    close() {
      client.destroy();
      // `destroy` cannot reach a socket that is still connecting.
      connected.then(
        () => client.destroy(),
        () => {},
      );
    },
  };
}

/** Omits user and password. */
function toHostAndPort({ hostname, port }: URL): string {
  return `${hostname}:${port || 6379}`;
}
