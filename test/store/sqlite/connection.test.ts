/** Errors of a connection: STORE_UNAVAILABLE for an unavailable database, the error of the driver for all others. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection, type SqliteConnection } from '../../../src/store/sqlite/connection';
import { createDataSource, createReadingDataSource } from '../../../src/store/sqlite/data-source';
import { openTestStore } from '../open-test-store';

let folder: string;
let file: string;
let connection: SqliteConnection;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kyc-connection-'));
  file = join(folder, 'words.sqlite');
  const writing = createConnection(await createDataSource(file).initialize());
  await writing.query('CREATE TABLE words (word TEXT NOT NULL)');
  await writing.close();
  connection = createConnection(await createReadingDataSource(file).initialize());
});

afterEach(async () => {
  await connection.close();
  rmSync(folder, { recursive: true, force: true });
});

const AWAY = { code: 'STORE_UNAVAILABLE' };

describe('a connection', () => {
  it('reports a file that is no longer a database as STORE_UNAVAILABLE', async () => {
    writeFileSync(file, Buffer.alloc(16_384, 'x'));
    await expect(connection.query('SELECT * FROM words')).rejects.toMatchObject({
      ...AWAY,
      cause: expect.objectContaining({ code: 'SQLITE_NOTADB' }),
    });
  });

  it('reports a closed connection as STORE_UNAVAILABLE, also for a cached statement', async () => {
    await connection.query('SELECT * FROM words');
    await connection.close();
    await expect(connection.query('SELECT * FROM words')).rejects.toMatchObject(AWAY);
    await expect(connection.query('SELECT 1')).rejects.toMatchObject(AWAY);
  });

  it('passes on the error of a statement', async () => {
    await expect(connection.query('SELECT * FROM nothing')).rejects.toMatchObject({
      code: 'SQLITE_ERROR',
    });
  });
});

describe('reads of a closed store', () => {
  it('fail with STORE_UNAVAILABLE, alone and in a snapshot', async () => {
    const { store } = await openTestStore();
    await store.read.head();
    await store.close();
    await expect(store.read.head()).rejects.toMatchObject(AWAY);
    await expect(store.apiKeys.list()).rejects.toMatchObject(AWAY);
    await expect(store.snapshot((read) => read.head())).rejects.toMatchObject(AWAY);
  });
});
