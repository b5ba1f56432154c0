/** The choice of the SQLite driver, and the contract that both drivers meet. `better-sqlite3` is tested if it is installed. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, InvariantError } from '../../../src/domain/errors';
import type { SqliteDriverName } from '../../../src/store/database/options';
import { createCommandLine } from '../../cli/command-line';

type DriverModule = typeof import('../../../src/store/sqlite/driver');

/** Loads the module without a selected driver, as in a new process. */
function loadModule(): DriverModule {
  let loaded: DriverModule | undefined;
  jest.isolateModules(() => {
    loaded = require('../../../src/store/sqlite/driver');
  });
  if (loaded === undefined) throw new Error('the module was not loaded');
  return loaded;
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function catchError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('getDriver', () => {
  it('selects sqlite3 by default', () => {
    expect(loadModule().getDriver().name).toBe('sqlite3');
  });

  it('keeps the selected driver', () => {
    const { getDriver } = loadModule();
    const driver = getDriver('sqlite3');
    expect(getDriver()).toBe(driver);
    expect(getDriver('sqlite3')).toBe(driver);
  });

  it('rejects a second driver in the same process', () => {
    const { getDriver } = loadModule();
    getDriver();
    expect(catchError(() => getDriver('better-sqlite3'))).toMatchObject({
      name: new InvariantError('').name,
    });
  });

  it('reports a missing package', () => {
    jest.doMock('better-sqlite3', () => throwNotFound(), { virtual: true });
    expect(catchError(() => loadModule().getDriver('better-sqlite3'))).toMatchObject({
      faults: [
        'DATABASE_DRIVER: better-sqlite3 is not installed. Run npm install better-sqlite3@12.',
      ],
    });
  });

  it('reports a missing binary', () => {
    const missing = class {
      constructor() {
        throwNotFound();
      }
    };
    jest.doMock('better-sqlite3', () => missing, { virtual: true });
    expect(catchError(() => loadModule().getDriver('better-sqlite3'))).toMatchObject({
      name: new ConfigError([]).name,
      faults: [
        'DATABASE_DRIVER: better-sqlite3 cannot load its binary. Run npm rebuild better-sqlite3.',
      ],
    });
  });
});

function throwNotFound(): never {
  throw Object.assign(new Error('not found'), { code: 'MODULE_NOT_FOUND' });
}

it('a command rejects an unknown driver', async () => {
  const commandLine = createCommandLine();
  const { code, err } = await commandLine.runWith({ DATABASE_DRIVER: 'sqlite' }, 'migrate');
  commandLine.remove();
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringContaining('DATABASE_DRIVER: must be one of sqlite3, better-sqlite3'),
  });
});

const INSTALLED = (['sqlite3', 'better-sqlite3'] as const).filter(isInstalled);

describe.each(INSTALLED)('%s', (name: SqliteDriverName) => {
  const { getDriver } = loadModule();
  const driver = getDriver(name);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kyc-driver-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function withHandle<T>(
    work: (handle: Awaited<ReturnType<typeof driver.open>>) => Promise<T>,
  ): Promise<T> {
    const handle = await driver.open(join(folder, 'words.sqlite'), 10);
    return await work(handle).finally(() => handle.close());
  }

  it('binds integers, booleans, bytes and null', async () => {
    const sql = 'SELECT typeof(?) AS a, typeof(?) AS b, typeof(?) AS c, typeof(?) AS d, ? AS e';
    const values = [2 ** 20, true, Buffer.from('x'), null, 1.5];
    const rows = await withHandle(async (handle) => {
      const statement = await handle.prepare(sql);
      const found = await statement.all(values);
      await statement.finalize();
      return found;
    });
    expect(rows).toEqual([{ a: 'integer', b: 'integer', c: 'blob', d: 'null', e: 1.5 }]);
  });

  it('binds numbered parameters', async () => {
    const rows = await withHandle(async (handle) => {
      const statement = await handle.prepare('SELECT ?1 AS a, ?1 || ?2 AS b');
      const found = await statement.all([7, 'x']);
      await statement.finalize();
      return found;
    });
    expect(rows).toEqual([{ a: 7, b: '7x' }]);
  });

  it('returns no rows for a statement without rows', async () => {
    const rows = await withHandle(async (handle) => {
      const statement = await handle.prepare('CREATE TABLE words (word)');
      const found = await statement.all([]);
      await statement.finalize();
      return found;
    });
    expect(rows).toEqual([]);
  });

  it('waits for a lock, then fails with SQLITE_BUSY', async () => {
    await withHandle(async (first) => {
      const held = await first.prepare('BEGIN EXCLUSIVE');
      await held.all([]);
      await withHandle(async (second) => {
        const refused = await second.prepare('BEGIN EXCLUSIVE');
        const started = performance.now();
        await expect(refused.all([])).rejects.toMatchObject({
          code: 'SQLITE_BUSY',
          message: expect.stringMatching(/^SQLITE_BUSY: /),
        });
        expect(performance.now() - started).toBeGreaterThanOrEqual(5);
        await refused.finalize();
      });
      await held.finalize();
    });
  });
});
