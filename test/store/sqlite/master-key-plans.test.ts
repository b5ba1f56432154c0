/** Data encrypted with a master key is found by index, also at every start. */

import type { MasterKey } from '../../../src/encryption/key-ring';
import { explain } from '../../support/databases';
import { openTestStore } from '../open-test-store';

const [OLD, NEW]: [MasterKey, MasterKey] = [
  { id: 'old', key: Buffer.alloc(32, 1) },
  { id: 'new', key: Buffer.alloc(32, 2) },
];

it('reads no whole table at the start or in a key rotation', async () => {
  const sent: string[] = [];
  const { database, reopen } = await openTestStore(
    { dataKeys: [OLD] },
    { onQuery: (sql) => sent.push(sql) },
  );
  sent.length = 0;
  const store = await reopen({ dataKeys: [NEW, OLD] });
  await store.rotateDataKeys({ auditActor: 'test', now: () => new Date(), onProgress() {} });

  const asked = new Set(sent.filter((sql) => /FROM (identity_keys|deliveries)\b/.test(sql)));
  const plans: string[] = [];
  for (const sql of asked) {
    plans.push((await explain(database, sql)).join('\n'));
  }
  expect(plans.length).toBeGreaterThan(5);
  expect(
    plans.filter((plan) => /SCAN (?!CONSTANT ROW|.*COVERING INDEX)|TEMP B-TREE/.test(plan)),
  ).toEqual([]);
});
