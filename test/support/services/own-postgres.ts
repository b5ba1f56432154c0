/** A PostgreSQL of one's own, in a folder of its own, on a free port. */

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { createServerProcess, freePort, type ServerProcess } from './own-server';
import { folderOf } from './programs';

export interface PostgresServer extends ServerProcess {
  /** URL of the database `postgres`. */
  readonly url: string;
  /** Number of other connections. NaN if the server does not respond. */
  connections(): Promise<number>;
  /** Copies its data, while it is stopped. */
  copy(): void;
  /** Puts the copy in the place of its data, while it is stopped. */
  goBack(): void;
  /** Terminates up to `most` connections of others, chosen at random. Returns how many. */
  terminate(most: number): Promise<number>;
}

/** Does not wait for connections to close. */
export const FAST = 'SIGINT';
/** As if the power had failed: the next start recovers from the log. */
export const IMMEDIATE = 'SIGQUIT';

export interface PostgresServerOptions {
  /** PEM files for TLS. If set, the server requires TLS. Read before the server starts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Not yet started. @param folder - Existing; the data directory is created inside it. */
export async function createPostgresServer(
  folder: string,
  { tls }: PostgresServerOptions = {},
): Promise<PostgresServer> {
  const bin = folderOf('postgres');
  if (bin === undefined) throw new Error('postgres is missing on this machine');
  const data = join(folder, 'postgres');
  const user = ordinaryUser();
  mkdirSync(data, { mode: 0o700 });
  if (user !== undefined) {
    chownSync(data, user.uid, user.gid);
    openWay(folder);
  }
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], {
    stdio: 'ignore',
    cwd: '/',
    ...user,
  });
  if (tls !== undefined) requireTls(data, tls, user);
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;

  async function ask<Row>(sql: string): Promise<Row | undefined> {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: 1000,
      ssl: tls !== undefined && { rejectUnauthorized: false },
    });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query(sql);
      return rows[0];
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => {});
    }
  }

  const server = createServerProcess({
    command: join(bin, 'postgres'),
    args: ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', ''],
    ...(user === undefined ? {} : { user }),
    answers: async () => (await ask('SELECT 1')) !== undefined,
  });

  return {
    ...server,
    url,
    async connections() {
      const row = await ask<{ n: number }>(`SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`);
      return row?.n ?? Number.NaN;
    },
    copy() {
      rmSync(`${data}.copy`, { recursive: true, force: true });
      execFileSync('cp', ['-a', data, `${data}.copy`]);
    },
    goBack() {
      rmSync(data, { recursive: true, force: true });
      execFileSync('cp', ['-a', `${data}.copy`, data]);
    },
    async terminate(most) {
      const row = await ask<{ n: number }>(`SELECT count(pg_terminate_backend(pid))::int AS n FROM (
        SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        ORDER BY random() LIMIT ${most}) victims`);
      return row?.n ?? 0;
    },
  };
}

/** Keys are read by their owner alone, or the server does not start. */
function requireTls(
  data: string,
  tls: { readonly certificate: string; readonly key: string },
  user: { readonly uid: number; readonly gid: number } | undefined,
): void {
  for (const [from, name] of [
    [tls.certificate, 'server.crt'],
    [tls.key, 'server.key'],
  ] as const) {
    const file = join(data, name);
    copyFileSync(from, file);
    chmodSync(file, 0o600);
    if (user !== undefined) chownSync(file, user.uid, user.gid);
  }
  appendFileSync(join(data, 'postgresql.conf'), 'ssl = on\n');
  writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 trust\n');
}

/** Lets others pass, though not look, through the folders for temporary things that lead there. */
export function openWay(folder: string): void {
  for (let way = folder; way.startsWith(tmpdir()); way = dirname(way)) {
    const { mode } = statSync(way);
    if ((mode & 0o001) === 0) chmodSync(way, mode | 0o011);
  }
}

/** PostgreSQL refuses to run as root. */
export function ordinaryUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}
