/** A database that cannot be opened: the error names the variable, the server and the cause. */

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { runCli } from '../../../src/cli/program';
import { loadDatabaseConfig } from '../../../src/config/load-config';
import { ConfigError, GatewayError } from '../../../src/domain/errors';
import { openStore } from '../../../src/store/open-store';
import { createDisposal } from '../../support/disposal';
import {
  createPostgresServer,
  FAST,
  type PostgresServer,
} from '../../support/services/own-postgres';
import { freePort } from '../../support/services/own-server';
import { storeConfigOf } from '../../support/store-config';
import { createTempDir } from '../../support/temp-dir';
import { SILENT } from '../open-test-store';

const disposal = createDisposal('all');
let folder: string;
let server: PostgresServer;
let at: string;

beforeAll(async () => {
  folder = await createTempDir(disposal);
  server = await createPostgresServer(folder);
  disposal.defer(() => server.end());
  writeFileSync(
    join(folder, 'postgres', 'pg_hba.conf'),
    `host all locked 127.0.0.1/32 scram-sha-256
host all stranger 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
`,
  );
  await server.start();
  at = new URL(server.url).host;
  await run(
    "CREATE ROLE locked LOGIN PASSWORD 'the right password'",
    'CREATE ROLE guest LOGIN',
    'CREATE ROLE crowd LOGIN CONNECTION LIMIT 0',
    'CREATE ROLE reader LOGIN',
    'ALTER ROLE reader SET default_transaction_read_only = on',
    "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    'CREATE DATABASE migrated TEMPLATE template0',
  );
  await (await open(urlOf('postgres', 'migrated'))).close();
});

async function run(...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function urlOf(user: string, database = 'postgres', place = at): string {
  return `postgres://${user}@${place}/${database}`;
}

function open(url: string) {
  const database = loadDatabaseConfig({ DATABASE_URL: url });
  return openStore(storeConfigOf(database), SILENT);
}

async function failure(url: string): Promise<GatewayError> {
  const error = await open(url).catch((reason: unknown) => reason);
  if (error instanceof GatewayError) return error;
  throw new Error('expected an error of the gateway', { cause: error });
}

describe('a configuration error', () => {
  it.each([
    ['a wrong password', 'locked:S3CR3T', 'postgres', /password.*28P01/],
    ['no password', 'locked', 'postgres', /password/],
    ['a role that is not admitted', 'stranger', 'postgres', /admit.*28000/],
    ['a role that does not exist', 'nemo', 'postgres', /role does not exist.*28000/],
    ['a missing database', 'postgres', 'nowhere', /"nowhere".*3D000/],
    ['a role that may not make tables', 'guest', 'postgres', /lacks.*42501/],
    ['a role that may not use the tables', 'guest', 'migrated', /lacks.*42501/],
    ['a role that may not write', 'reader', 'migrated', /read-only/],
    ['a database in LATIN1', 'postgres', 'latin', /LATIN1.*UTF8/],
  ])('%s', async (_, user, database, cause) => {
    const error = await failure(urlOf(user, database));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/^DATABASE_URL: /);
    expect(error.message).toMatch(cause);
    expect(error.message).not.toMatch(/S3CR3T|locked|stranger|nemo|reader/);
  });

  it('names a host that does not exist', async () => {
    const error = await failure('postgres://kyc:S3CR3T@nowhere.invalid/kyc?sslmode=disable');
    expect(error.message).toMatch(/^DATABASE_URL: .*nowhere\.invalid.*(ENOTFOUND|EAI_AGAIN)/);
  });

  it('names the server if sslmode requires TLS and the server has none', async () => {
    const error = await failure(`${urlOf('postgres')}?sslmode=require`);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(new RegExp(`^DATABASE_URL: ${at} .*TLS.*sslmode`));
  });

  it('names every right that the role lacks', async () => {
    await run('CREATE ROLE partial LOGIN');
    const client = new Client({ connectionString: urlOf('postgres', 'migrated') });
    await client.connect();
    await client.query(
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO partial',
    );
    await client.query('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO partial');
    await (await open(urlOf('partial', 'migrated'))).close();
    await client.query('REVOKE DELETE ON users, credentials FROM partial');
    await client.query('REVOKE UPDATE, DELETE ON audit_entries FROM partial');
    await client.end();
    const error = await failure(urlOf('partial', 'migrated'));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/DELETE on users/);
    expect(error.message).toMatch(/DELETE on credentials/);
    expect(error.message).not.toMatch(/audit_entries/);
  });
});

describe('an unavailable server', () => {
  it('is named if it refuses the connection', async () => {
    const port = await freePort();
    const error = await failure(`postgres://kyc:S3CR3T@127.0.0.1:${port}/kyc`);
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `DATABASE_URL: connection refused by 127.0.0.1:${port} (ECONNREFUSED)`,
    });
  });

  it('is named if it refuses the connection on every address of the host', async () => {
    const port = await freePort();
    const { message } = await failure(`postgres://kyc@localhost:${port}/kyc`);
    expect(message).toBe(`DATABASE_URL: connection refused by localhost:${port} (ECONNREFUSED)`);
  });

  it('is named if it has no socket', async () => {
    const { message } = await failure(`postgres://kyc@localhost/kyc?host=${folder}`);
    expect(message).toMatch(/^DATABASE_URL: .*\.s\.PGSQL\.5432 \(ENOENT\)$/);
  });

  it.each([
    ['does not answer', () => {}, 'ETIMEDOUT'],
    ['hangs up', (socket: { destroy(): void }) => socket.destroy(), 'ECONNRESET'],
  ] as const)('%s', async (_, onConnection, code) => {
    const other = createServer(onConnection).listen(0, '127.0.0.1');
    disposal.defer(() => other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    if (address === null || typeof address === 'string') throw new Error('expected TCP');
    const error = await failure(`postgres://kyc@127.0.0.1:${address.port}/kyc`);
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toContain(`127.0.0.1:${address.port}`);
    expect(error.message).toContain(`(${code})`);
  });

  it('is named if it has too many connections', async () => {
    const error = await failure(urlOf('crowd'));
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toMatch(
      new RegExp(`^DATABASE_URL: too many connections to ${at}.*53300`),
    );
    expect(error.message).not.toContain('crowd');
  });
});

it.each([['keys', 'list'], ['migrate'], ['audit', 'verify'], ['replay', '--all'], ['start']])(
  'the command %s %s prints the same error',
  async (...command) => {
    const port = await freePort();
    const out: string[] = [];
    const print = (line: string) => out.push(line);
    const env = {
      DATA_DIR: folder,
      DATA_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      DATABASE_URL: `postgres://kyc:S3CR3T@127.0.0.1:${port}/kyc`,
    };
    const context = { env, dotEnvFile: '/nowhere', print, printError: print, isTerminal: false };
    expect(await runCli(command.filter(Boolean), context)).toBe(1);
    expect(out).toEqual([`DATABASE_URL: connection refused by 127.0.0.1:${port} (ECONNREFUSED)`]);
    const detailed = { ...context, env: { ...env, LOG_LEVEL: 'debug' } };
    expect(await runCli(command.filter(Boolean), detailed)).toBe(1);
    expect(out.join('\n')).toContain(`connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(out.join('\n')).not.toContain('S3CR3T');
  },
);

it('rejects a replica', async () => {
  await server.end(FAST);
  writeFileSync(join(folder, 'postgres', 'standby.signal'), '');
  await server.start();
  const error = await failure(urlOf('postgres', 'migrated'));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(new RegExp(`^DATABASE_URL: ${at} .*replica`));
});
