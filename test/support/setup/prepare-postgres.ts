/** Before the tests on PostgreSQL: makes the database that they get copies of. */

import { Client } from 'pg';
import { loadDatabaseConfig } from '../../../src/config/load-config';
import { openPostgres } from '../../../src/store/postgres/open-database';
import { EMPTY, POSTGRES_URL } from '../services/postgres-server';

/** Left behind by a run that was killed, and surely over. */
const OLD_MS = 2 * 60 * 60_000;

export default async function prepare(): Promise<void> {
  const name = `kyc_test_${Date.now()}_template`;
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  try {
    await dropOld(client);
    await client.query(`CREATE DATABASE ${name} ${EMPTY}`);
  } finally {
    await client.end();
  }
  const url = Object.assign(new URL(POSTGRES_URL), { pathname: `/${name}` }).href;
  const config = loadDatabaseConfig({ DATABASE_URL: url });
  if (config.kind !== 'postgres') throw new Error('expected TEST_POSTGRES_URL to be of PostgreSQL');
  await (await openPostgres(config)).close();
  process.env.TEST_POSTGRES_TEMPLATE = name;
}

async function dropOld(client: Client): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datname LIKE 'kyc\\_test\\_%'",
  );
  for (const { datname } of rows) {
    if (Number(datname.split('_')[2]) > Date.now() - OLD_MS) continue;
    await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  }
}
