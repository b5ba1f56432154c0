/** A gateway that cannot listen leaves nothing running and nothing open. */

import { existsSync } from 'node:fs';
import { createTestDatabase, query } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { startGateway } from './support/gateway';

const disposal = createDisposal();

it('closes its store when the port is taken', async () => {
  const { port } = await startGateway(disposal);
  const database = await createTestDatabase();
  disposal.defer(database.drop);
  const { url, config } = database;

  const second = startGateway(disposal, { env: { DATABASE_URL: url, PORT: String(port) } });

  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  if (config.kind === 'sqlite') {
    expect(existsSync(config.file)).toBe(true);
    // SQLite takes the write-ahead log away with the last connection.
    expect(existsSync(`${config.file}-wal`)).toBe(false);
  } else {
    const connected = () => query<{ n: number }>(config, CONNECTED);
    while ((await connected())[0]?.n !== 0); // the server takes leave of them a little later
  }
});

const CONNECTED = `SELECT count(*) AS n FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;
