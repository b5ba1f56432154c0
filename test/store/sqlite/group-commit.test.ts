import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError, StoreUnavailableError } from '../../../src/domain/errors';
import { createConnection, type SqliteConnection } from '../../../src/store/sqlite/connection';
import { createDataSource } from '../../../src/store/sqlite/data-source';
import { GroupCommit, type GroupCommitOptions } from '../../../src/store/write/group-commit';

/** A word that makes its own insert fail, and one that makes the commit fail. */
const POISON = 'poison';
const FATAL = 'fatal';

let folder: string;
let connection: SqliteConnection;
let statements: string[];
let fatal: unknown[];
/** Number of calls of `onStale`. */
let stale: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kyc-queue-'));
  const dataSource = await createDataSource(join(folder, 'queue.sqlite')).initialize();
  statements = [];
  fatal = [];
  stale = 0;
  connection = createConnection(dataSource, (sql) => statements.push(sql));
  await connection.query(
    'CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT CHECK (word <> ?))'.replace(
      '?',
      `'${POISON}'`,
    ),
  );
  await connection.query(
    'CREATE TABLE debts (word INTEGER REFERENCES words (id) DEFERRABLE INITIALLY DEFERRED)',
  );
  await connection.query(
    `CREATE TRIGGER fatal AFTER INSERT ON words WHEN NEW.word = '${FATAL}' BEGIN INSERT INTO debts VALUES (999); END`,
  );
});

afterEach(async () => {
  await connection.close();
  rmSync(folder, { recursive: true, force: true });
});

function openQueue(
  options: Partial<GroupCommitOptions<string, number>> = {},
): GroupCommit<string, number> {
  return new GroupCommit<string, number>({
    connection,
    maxGroup: 100,
    maxGroupSize: 10_000,
    sizeOf: (word) => word.length,
    write: insert,
    onStale: () => {
      stale += 1;
    },
    salvage: (word) => `salvaged ${word}`,
    onFatal: (error) => fatal.push(error),
    ...options,
  });
}

async function insert(added: readonly string[]): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const word of added) {
    const [row] = await connection.query<{ id: number }>(
      'INSERT INTO words (word) VALUES (?) RETURNING id',
      [word],
    );
    ids.push(row?.id ?? 0);
  }
  return ids;
}

async function words(): Promise<readonly string[]> {
  const rows = await connection.query<{ word: string }>('SELECT word FROM words ORDER BY id');
  return rows.map(({ word }) => word);
}

function commits(): number {
  return statements.filter((sql) => sql === 'COMMIT').length;
}

describe('GroupCommit', () => {
  it('commits waiting items together, in the order of the calls', async () => {
    const queue = openQueue();
    const ids = await Promise.all(['a', 'b', 'c'].map((word) => queue.add(word)));
    expect(ids).toEqual([1, 2, 3]);
    expect(commits()).toBe(1);
    await queue.add('d');
    expect(commits()).toBe(2);
    expect(await words()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('resolves only after the commit', async () => {
    const queue = openQueue();
    await queue.add('a').then(() => expect(commits()).toBe(1));
    expect(commits()).toBe(1);
  });

  it('commits the items that arrive during a commit in the next group', async () => {
    const queue = openQueue();
    const first = queue.add('a');
    while (!statements.includes('COMMIT')) await new Promise(setImmediate);
    await Promise.all([first, queue.add('b'), queue.add('c')]);
    expect(commits()).toBe(2);
  });

  it('commits at most `maxGroup` items at a time', async () => {
    const queue = openQueue({ maxGroup: 10 });
    await Promise.all(Array.from({ length: 25 }, (_, index) => queue.add(`word ${index}`)));
    expect(commits()).toBe(3);
    expect(await words()).toHaveLength(25);
  });

  it('commits at most `maxGroupSize` at a time, and a larger item alone', async () => {
    const queue = openQueue({ maxGroupSize: 10 });
    const heavy = 'x'.repeat(11);
    const added = ['aaaaa', 'bbbbb', 'ccccc', heavy, 'ddddd'];
    const ids = await Promise.all(added.map((word) => queue.add(word)));
    expect(ids).toEqual([1, 2, 3, 4, 5]);
    expect(commits()).toBe(4);
    expect(await words()).toEqual(added);
  });

  it('runs other work in a transaction of its own, in the order of the calls', async () => {
    const queue = openQueue();
    const order: string[] = [];
    const first = queue.add('a').then(() => order.push('a'));
    const work = queue.transaction(async () => {
      order.push(`sees ${await words()}`);
    });
    const last = queue.add('b').then(() => order.push('b'));
    await Promise.all([first, work, last]);
    expect(order).toEqual(['a', 'sees a', 'b']);
    expect(commits()).toBe(3);
  });

  it('rolls back other work that throws, and rethrows', async () => {
    const queue = openQueue();
    const failure = new Error('changed its mind');
    const work = queue.transaction(async () => {
      await connection.query("INSERT INTO words (word) VALUES ('never')");
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await words()).toEqual([]);
    await queue.add('a');
    expect(await words()).toEqual(['a']);
  });

  it('commits a failed group item by item, and salvages the item that fails again', async () => {
    const queue = openQueue();
    await Promise.all(['a', POISON, 'b'].map((word) => queue.add(word)));
    expect(await words()).toEqual(['a', `salvaged ${POISON}`, 'b']);
  });

  it('reports state in memory as stale after a failed group and after other work', async () => {
    const queue = openQueue();
    await queue.add('a');
    expect(stale).toBe(0);
    await Promise.all(['b', POISON].map((word) => queue.add(word)));
    expect(stale).toBe(2); // the group, and the item alone
    await queue.transaction(words);
    await queue.add('c');
    expect(stale).toBe(3);
  });

  it('calls `onFatal` and rejects all jobs after a failed commit', async () => {
    const queue = openQueue();
    const results = await Promise.allSettled([queue.add('a'), queue.add(FATAL)]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    expect(fatal).toHaveLength(1);
    await expect(queue.add('b')).rejects.toBeInstanceOf(GatewayError);
    await expect(queue.transaction(async () => {})).rejects.toBeInstanceOf(GatewayError);
  });

  // Regression: a full disk ended the gateway, which serves reads without a writable disk.
  it('rejects while the disk is full, and continues afterwards', async () => {
    const cause = new Error('SQLITE_FULL: database or disk is full');
    let isFull = true;
    const fullDisk = {
      ...connection,
      async commit() {
        if (!isFull) return await connection.commit();
        await connection.rollBack();
        throw new StoreUnavailableError({ cause });
      },
    };
    const queue = openQueue({ connection: fullDisk });
    await expect(queue.add('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause });
    isFull = false;
    await queue.add('b');
    expect(await words()).toEqual(['b']);
    expect(fatal).toEqual([]);
  });

  it('rejects while another process locks the file, and continues afterwards', async () => {
    const other = createConnection(
      await createDataSource(join(folder, 'queue.sqlite')).initialize(),
    );
    await connection.query('PRAGMA busy_timeout = 1');
    const queue = openQueue();
    await other.query('BEGIN IMMEDIATE');
    const unavailable = {
      code: 'STORE_UNAVAILABLE',
      cause: expect.objectContaining({ code: 'SQLITE_BUSY' }),
    };
    await expect(queue.add('a')).rejects.toMatchObject(unavailable);
    await expect(queue.transaction(async () => {})).rejects.toMatchObject(unavailable);
    await other.query('ROLLBACK');
    await other.close();
    await queue.add('b');
    expect(await words()).toEqual(['b']);
    expect(fatal).toEqual([]);
  });

  it('commits waiting items before it closes, and rejects later ones', async () => {
    const queue = openQueue({ maxGroup: 2 });
    const waiting = ['a', 'b', 'c', 'd', 'e'].map((word) => queue.add(word));
    await queue.close();
    await Promise.all(waiting);
    expect(await words()).toHaveLength(5);
    await expect(queue.add('f')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
