/** Before the tests on SQLite: makes the file that they get copies of. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../../../src/store/sqlite/open-database';
import './use-sqlite-driver';

export default async function prepare(): Promise<void> {
  const file = join(mkdtempSync(join(tmpdir(), 'kyc-template-')), 'kyc.sqlite');
  await (await openSqlite({ kind: 'sqlite', file })).close();
  process.env.TEST_SQLITE_TEMPLATE = file;
}
