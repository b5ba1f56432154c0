import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError, StoreUnavailableError } from '../../../src/domain/errors';
import { createConnection, type SqliteConnection } from '../../../src/store/sqlite/connection';
import { createDataSource } from '../../../src/store/sqlite/data-source';
import {
  createGroupCommit,
  type GroupCommit,
  type PipelinedDraft,
} from '../../../src/store/write/group-commit';

/** A word that makes its own insert fail, and one that makes the commit fail. */
const POISON = 'poison';
const FATAL = 'fatal';

let folder: string;
let connection: SqliteConnection;
let statements: string[];
let fatal: unknown[];
let steps: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kyc-queue-'));
  const dataSource = await createDataSource(join(folder, 'queue.sqlite')).initialize();
  statements = [];
  fatal = [];
  steps = [];
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
  maxGroup = 100,
  maxGroupSize = 10_000,
  otherwise: Partial<PipelinedDraft<string, number>> = {},
): GroupCommit<string, number> {
  return createGroupCommit<string, number>({
    connection,
    maxGroup,
    maxGroupSize,
    sizeOf: (word) => word.length,
    openDraft: () => ({ ...openDraft(), ...otherwise }),
    async write(words) {
      const ids: number[] = [];
      for (const word of words) {
        const [row] = await connection.query<{ id: number }>(
          'INSERT INTO words (word) VALUES (?) RETURNING id',
          [word],
        );
        ids.push(row?.id ?? 0);
      }
      return ids;
    },
    salvage: (word) => `salvaged ${word}`,
    onFatal: (error) => fatal.push(error),
  });
}

/** In memory, a word that makes its own application fail. */
const UNBEARABLE = 'unbearable';

function openDraft(): PipelinedDraft<string, number> {
  const rows: (readonly [number, string])[] = [];
  let lastId: number | undefined;
  return {
    async read(words) {
      steps.push(`read ${words}`);
      lastId ??= await highestId();
      return () =>
        words.map((word) => {
          if (word === UNBEARABLE) throw new Error('cannot be applied');
          lastId = (lastId ?? 0) + 1;
          rows.push([lastId, word]);
          return lastId;
        });
    },
    async write() {
      const group = rows.splice(0);
      const told = group.map(([, word]) => word);
      steps.push(`write ${told}`);
      await connection.query(WRITE, [JSON.stringify(group)]);
      steps.push(`wrote ${told}`);
    },
    isFull: () => (lastId ?? 0) >= 1_000,
  };
}

const WRITE = 'INSERT INTO words SELECT value ->> 0, value ->> 1 FROM json_each(?)';

/** Sees the step before what it began can end. */
async function until(step: string): Promise<void> {
  while (!steps.includes(step)) await new Promise(setImmediate);
}

async function highestId(): Promise<number> {
  const [row] = await connection.query<{ id: number | null }>('SELECT max(id) AS id FROM words');
  return row?.id ?? 0;
}

async function words(): Promise<readonly string[]> {
  const rows = await connection.query<{ word: string }>('SELECT word FROM words ORDER BY id');
  return rows.map(({ word }) => word);
}

function commits(): number {
  return statements.filter((sql) => sql === 'COMMIT' || sql === WRITE).length;
}

describe('the write queue', () => {
  it('commits what waits together, in the order of asking', async () => {
    const queue = openQueue();
    const ids = await Promise.all(['a', 'b', 'c'].map((word) => queue.add(word)));
    expect(ids).toEqual([1, 2, 3]);
    expect(commits()).toBe(1);
    await queue.add('d');
    expect(commits()).toBe(2);
    expect(await words()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('answers only after the commit', async () => {
    const queue = openQueue();
    await queue.add('a');
    expect(steps).toEqual(['read a', 'write a', 'wrote a']);
  });

  it('applies what comes while a group is written, and writes that next', async () => {
    const queue = openQueue();
    const first = queue.add('a');
    await until('write a');
    await Promise.all([first, queue.add('b'), queue.add('c')]);
    expect(steps).toEqual(['read a', 'write a', 'read b,c', 'wrote a', 'write b,c', 'wrote b,c']);
  });

  it('takes no more than a group at a time', async () => {
    const queue = openQueue(10);
    await Promise.all(Array.from({ length: 25 }, (_, index) => queue.add(`word ${index}`)));
    expect(commits()).toBe(3);
    expect(await words()).toHaveLength(25);
  });

  it('takes no more than a group may weigh, and a heavier one alone', async () => {
    const queue = openQueue(100, 10);
    const heavy = 'x'.repeat(11);
    const told = ['aaaaa', 'bbbbb', 'ccccc', heavy, 'ddddd'];
    const ids = await Promise.all(told.map((word) => queue.add(word)));
    expect(ids).toEqual([1, 2, 3, 4, 5]);
    expect(commits()).toBe(4);
    expect(await words()).toEqual(told);
  });

  it('gives other work a transaction of its own, in its turn', async () => {
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

  it('rolls other work back when it throws, and passes the error on', async () => {
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

  it('commits one by one where one of a group is poison, and salvages that one', async () => {
    const queue = openQueue();
    await Promise.all(['a', POISON, 'b'].map((word) => queue.add(word)));
    expect(await words()).toEqual(['a', `salvaged ${POISON}`, 'b']);
  });

  it('does again what was applied beside a word that cannot be applied', async () => {
    const queue = openQueue();
    const first = queue.add('a');
    await until('write a');
    const rest = ['b', UNBEARABLE, 'c'].map((word) => queue.add(word));
    expect(await Promise.all([first, ...rest])).toEqual([1, 2, 3, 4]);
    expect(await words()).toEqual(['a', 'b', UNBEARABLE, 'c']);
  });

  it('does again what was applied on top of a group that could not be written', async () => {
    const queue = openQueue();
    const first = [POISON, 'a'].map((word) => queue.add(word));
    await until(`write ${POISON},a`);
    const rest = ['b', 'c'].map((word) => queue.add(word));
    const last = queue.transaction(words);
    expect(await Promise.all([...first, ...rest])).toEqual([1, 2, 3, 4]);
    expect(await last).toEqual([`salvaged ${POISON}`, 'a', 'b', 'c']);
    expect(steps).toContain('read b,c');
    expect(steps).not.toContain('wrote b,c');
  });

  it('begins another draft when one is full', async () => {
    await connection.query("INSERT INTO words VALUES (999, 'z')");
    const queue = openQueue();
    for (const word of ['a', 'b', 'c']) await queue.add(word);
    expect(statements.filter((sql) => sql.startsWith('SELECT max')).length).toBe(3);
  });

  it('reports where nobody knows whether a group was written', async () => {
    const broken = Object.assign(new Error('SQLITE_IOERR: disk I/O error'), {
      code: 'SQLITE_IOERR',
    });
    const inDoubt = new StoreUnavailableError({ cause: broken });
    const queue = openQueue(100, 10_000, { write: () => Promise.reject(inDoubt) });
    await expect(queue.add('a')).rejects.toBe(inDoubt);
    expect(fatal).toEqual([inDoubt]);
    await expect(queue.add('b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('refuses and reports when a commit fails, and takes nothing more', async () => {
    const queue = openQueue();
    const results = await Promise.allSettled([queue.add('a'), queue.add(FATAL)]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    expect(fatal).toHaveLength(1);
    await expect(queue.add('b')).rejects.toBeInstanceOf(GatewayError);
    await expect(queue.transaction(async () => {})).rejects.toBeInstanceOf(GatewayError);
  });

  it('refuses while another process holds the file, and goes on afterwards', async () => {
    const other = createConnection(
      await createDataSource(join(folder, 'queue.sqlite')).initialize(),
    );
    await connection.query('PRAGMA busy_timeout = 1');
    const queue = openQueue();
    await other.query('BEGIN IMMEDIATE');
    const away = {
      code: 'STORE_UNAVAILABLE',
      cause: expect.objectContaining({ code: 'SQLITE_BUSY' }),
    };
    await expect(queue.add('a')).rejects.toMatchObject(away);
    await expect(queue.transaction(async () => {})).rejects.toMatchObject(away);
    await other.query('ROLLBACK');
    await other.close();
    await queue.add('b');
    expect(await words()).toEqual(['b']);
    expect(fatal).toEqual([]);
  });

  it('lets all that waits commit before it closes, and refuses what comes later', async () => {
    const queue = openQueue(2);
    const waiting = ['a', 'b', 'c', 'd', 'e'].map((word) => queue.add(word));
    await queue.close();
    await Promise.all(waiting);
    expect(await words()).toHaveLength(5);
    await expect(queue.add('f')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
