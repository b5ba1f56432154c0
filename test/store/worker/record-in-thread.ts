/**
 * Records the story in a writer thread, with other transactions in between, and prints the results as JSON. Runs as a child
 * process, because Jest does not transform TypeScript in worker threads.
 */

import { loadDatabaseConfig } from '../../../src/config/load-config';
import { openStore } from '../../../src/store/open-store';
import { storeConfigOf } from '../../support/store-config';
import { PEOPLE, story } from '../two-accounts';

const TIMES = 4;

async function main(url: string): Promise<void> {
  const log = { info() {}, warn() {}, error: console.error, fatal: console.error };
  let committed = 0;
  const onCommit = (deliveries: number) => {
    committed += deliveries;
  };
  const store = await openStore(storeConfigOf(loadDatabaseConfig({ DATABASE_URL: url })), log, {
    recordsInThread: true,
    onCommit,
  });
  const recorded = story.map((one) =>
    Promise.all(Array.from({ length: TIMES }, () => store.record(one))),
  );
  const opened = Array.from({ length: PEOPLE }, (_, person) =>
    store.createUser({ externalUserId: `e${person}`, auditActor: 'test', now: new Date() }),
  );
  await store.createUser({ externalUserId: 'e0', auditActor: 'test', now: new Date() });
  const outcomes = (await Promise.all(recorded)).flat();
  const users = await Promise.all(opened);
  const late = store.record(story[0] as (typeof story)[number]);
  await store.close();
  const refused = await store
    .record(story[0] as (typeof story)[number])
    .catch((error) => error.code);
  console.log(
    JSON.stringify({
      kept: outcomes.filter(({ duplicate }) => !duplicate).length,
      repeated: outcomes.filter(({ duplicate }) => duplicate).length,
      users: new Set(users.map(({ userId }) => userId)).size,
      late: (await late).duplicate,
      refused,
      committed,
    }),
  );
}

void main(process.argv[2] ?? '');
