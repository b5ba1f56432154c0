/** An erasure among many users leaves no byte in any file: the database, its log, its index, a copy. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backUp } from '../../../src/store/backup/backup';
import { query } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { createTempDir } from '../../support/temp-dir';
import { until } from '../../support/until';
import { openTestStore } from '../open-test-store';
import { delivery, sumsub } from '../provider-deliveries';

const disposal = createDisposal();
const NOW = new Date('2024-06-01T12:00:00Z');
const MANY = 3_000;

/** Returns names that are scattered over the pages of every index, as the IDs of providers are. */
const nameOf = (index: number) => `person-${(index * 7_919) % 104_729}-of-vermilion`;

it('leaves no byte of an erased user among thousands', async () => {
  const { store, database } = await openTestStore();
  if (database.kind !== 'sqlite') throw new Error('this is about files');
  for (let start = 0; start < MANY; start += 250) {
    await Promise.all(
      Array.from({ length: 250 }, (_, offset) => {
        const name = nameOf(start + offset);
        const said = { applicantId: name, externalUserId: `customer-${name}` };
        return store.record(delivery('sumsub', sumsub('applicantPending', said, start), NOW));
      }),
    );
  }
  const erased = [3, 333, 1_234, 2_999];
  const keys: Buffer[] = [];
  for (const index of erased) {
    const user = await store.read.userByIdentity('sumsub', nameOf(index));
    const userId = user?.id ?? 0;
    const [row] = await query<{ data_key: Buffer }>(
      database,
      `SELECT data_key FROM identity_keys WHERE identity_id IN (SELECT id FROM identities WHERE user_id = ${userId})`,
    );
    keys.push(row?.data_key ?? Buffer.from('none'));
    await store.erasures.erase({
      userId,
      reason: null,
      changeActor: 'x',
      auditActor: 'x',
      now: NOW,
    });
  }
  await until(() => store.erasures.wipe());
  const folder = await createTempDir(disposal);
  const copy = join(folder, 'copy.sqlite');
  const keysFile = join(folder, 'keys.sqlite');
  await backUp(database, copy, keysFile);

  const { file } = database;
  const files = [file, `${file}-wal`, `${file}-shm`, copy, keysFile];
  for (const path of files.filter(existsSync)) {
    const bytes = readFileSync(path);
    const found = erased.filter((index) => bytes.includes(nameOf(index)));
    expect([path, found, keys.filter((key) => bytes.includes(key))]).toEqual([path, [], []]);
  }
  expect(readFileSync(file).includes(nameOf(4))).toBe(true);
  expect(await query(database, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
});
