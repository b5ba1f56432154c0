/** Rotates the master key up to the given place, and blocks there until it is killed. */

import 'reflect-metadata';
import { loadDatabaseConfig } from '../../../src/config/load-config';
import { openStore } from '../../../src/store/open-store';
import { storeConfigOf } from '../../support/store-config';

const [url = '', place = '', ...keys] = process.argv.slice(2);
const [first, ...others] = keys.map((text) => {
  const [id = '', key = ''] = text.split(':');
  return { id, key: Buffer.from(key, 'base64') };
});
if (first === undefined) throw new Error('expected keys');

/** Blocks the thread. */
function stay(): void {
  process.stdout.write('in the midst of it\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

let steps = 0;

async function main(dataKeys: readonly [NonNullable<typeof first>, ...typeof others]) {
  const database = loadDatabaseConfig({ DATABASE_URL: url, DATABASE_CONNECTIONS: '6' });
  const config = storeConfigOf(database, { dataKeys });
  const store = await openStore(
    config,
    { info() {}, warn() {}, error() {}, fatal() {} },
    {
      onOtherRules: 'leave',
      onQuery(sql) {
        if (!sql.startsWith('UPDATE identity_keys')) return;
        steps += 1;
        if (steps === 2 && place === 'in a step') stay();
      },
    },
  );
  await store.rotateDataKeys({
    auditActor: 'test',
    now: () => new Date(),
    onProgress() {
      if (place === 'between two steps') stay();
    },
  });
}

void main([first, ...others]);
