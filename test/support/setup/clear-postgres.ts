/** After the tests on PostgreSQL. */

import { Client } from 'pg';
import { POSTGRES_URL } from '../services/postgres-server';

export default async function clear(): Promise<void> {
  const name = process.env.TEST_POSTGRES_TEMPLATE;
  if (name === undefined) return;
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).finally(() => client.end());
}
