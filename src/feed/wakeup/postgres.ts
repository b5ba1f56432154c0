/** Wake-up between instances over PostgreSQL's `LISTEN` and `NOTIFY`, on its own connection. */

import { Client, type ClientConfig, escapeIdentifier } from 'pg';
import {
  type Channel,
  type ChannelEvents,
  createRemoteWakeup,
  type RemoteWakeupOptions,
} from './remote';
import type { Wakeup } from './wakeup';

export interface PostgresWakeupOptions
  extends Omit<RemoteWakeupOptions, 'openChannel' | 'service' | 'place'> {
  /** Connection to the database that contains the log. */
  readonly connection: ClientConfig;
  readonly logId: string;
}

export function createPostgresWakeup(options: PostgresWakeupOptions): Wakeup {
  const { connection, logId, ...others } = options;
  const channel = `kyc_gateway_${logId}`;
  return createRemoteWakeup({
    ...others,
    service: 'PostgreSQL',
    place: `DATABASE_URL: ${connection.host}:${connection.port}`,
    openChannel: (events) => openChannel(connection, channel, events),
  });
}

function openChannel(
  connection: ClientConfig,
  channel: string,
  { onMessage, onDisconnect }: ChannelEvents,
): Channel {
  const client = new Client({ ...connection, keepAlive: true });
  let ownPid: number | undefined;
  client.on('error', onDisconnect);
  client.on('end', () => onDisconnect(new Error('the connection has ended')));
  client.on('notification', ({ processId }) => {
    if (processId !== ownPid) onMessage(); // PostgreSQL also notifies the sender
  });
  return {
    opened: client.connect().then(async () => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      ownPid = rows[0]?.pid;
      await client.query(`LISTEN ${escapeIdentifier(channel)}`);
    }),
    publish: () => client.query("SELECT pg_notify($1, '')", [channel]),
    // No protocol-level goodbye: a server that does not respond would not read it.
    close: () => void client.connection.stream.destroy(),
  };
}
