/** A PgBouncer of one's own in front of a PostgreSQL server, with its default settings: it pools sessions. */

import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { openWay, ordinaryUser } from './own-postgres';
import { createServerProcess, freePort, type ServerProcess } from './own-server';
import { folderOf } from './programs';

export interface PgBouncer extends ServerProcess {
  /** URL of the same database through the pooler. */
  readonly url: string;
}

/** Not yet started. @param folder - Existing. @param target - URL of a database that requires no password. */
export async function createPgBouncer(folder: string, target: string): Promise<PgBouncer> {
  const bin = folderOf('pgbouncer');
  if (bin === undefined) throw new Error('pgbouncer is missing on this machine');
  const server = new URL(target);
  const port = await freePort();
  const url = Object.assign(new URL(target), { port: String(port) }).href;
  const user = ordinaryUser();
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${server.username}" ""\n`);
  const ini = join(folder, 'pgbouncer.ini');
  writeFileSync(
    ini,
    `[databases]
* = host=${server.hostname} port=${server.port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
`,
  );
  if (user !== undefined) {
    for (const file of [users, ini]) chownSync(file, user.uid, user.gid);
    openWay(folder);
  }

  async function answers(): Promise<boolean> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  const process = createServerProcess({
    command: join(bin, 'pgbouncer'),
    args: [ini],
    ...(user === undefined ? {} : { user }),
    answers,
  });
  return { ...process, url };
}
