/** A gateway that cannot listen leaves nothing running and nothing open. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createDisposal } from '../support/disposal';
import { createTempDir } from '../support/temp-dir';
import { startGateway } from './gateway';

const disposal = createDisposal();

it('closes its store when the port is taken', async () => {
  const { port } = await startGateway(disposal);
  const folder = await createTempDir(disposal);

  const second = startGateway(disposal, { env: { DATA_DIR: folder, PORT: String(port) } });

  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(existsSync(join(folder, 'kyc.sqlite'))).toBe(true);
  // SQLite takes the write-ahead log away with the last connection.
  expect(existsSync(join(folder, 'kyc.sqlite-wal'))).toBe(false);
});
