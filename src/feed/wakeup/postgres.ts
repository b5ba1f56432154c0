/** Wake-up between instances over PostgreSQL's `LISTEN` and `NOTIFY`, on a connection of its own. */

import { Client, type ClientConfig, escapeIdentifier } from 'pg';
import { type Channel, createRemoteWakeup, type RemoteWakeupOptions } from './remote';
import type { Wakeup } from './wakeup';

export interface PostgresWakeupOptions
  extends Omit<RemoteWakeupOptions, 'openChannel' | 'service' | 'place'> {
  /** Of the database that holds the log. */
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
    openChannel: (heard, lost) => openChannel(connection, channel, heard, lost),
  });
}

function openChannel(
  connection: ClientConfig,
  channel: string,
  heard: () => void,
  lost: (error: unknown) => void,
): Channel {
  const client = new Client({ ...connection, keepAlive: true });
  let own: number | undefined;
  client.on('error', lost);
  client.on('end', () => lost(new Error('the connection has ended')));
  client.on('notification', ({ processId }) => {
    if (processId !== own) heard(); // PostgreSQL sends it back to its sender, too
  });
  return {
    opened: client.connect().then(async () => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      own = rows[0]?.pid;
      await client.query(`LISTEN ${escapeIdentifier(channel)}`);
    }),
    publish: () => client.query("SELECT pg_notify($1, '')", [channel]),
    // Without a farewell: a server that has gone silent would not take it either.
    close: () => void client.connection.stream.destroy(),
  };
}
