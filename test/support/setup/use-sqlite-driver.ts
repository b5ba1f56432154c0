/** Selects the SQLite driver of this run: `TEST_SQLITE_DRIVER`, or the default. Programs that a test starts use the default. */

import { getDriver } from '../../../src/store/sqlite/driver';

const name = process.env.TEST_SQLITE_DRIVER;
if (name === 'better-sqlite3') getDriver(name);
