/** Two writers on one database: a gateway and a command, or two gateways. */

import { openStore } from '../../src/store/open-store';
import { query } from '../support/databases';
import { openTestStore, SILENT, stateOf } from './open-test-store';
import { story } from './two-accounts';

it('two writers store each delivery once and reach the same state as one writer', async () => {
  const alone = await openTestStore();
  for (const one of story) await alone.store.record(one);

  const shared = await openTestStore();
  const other = await openStore(shared.config, SILENT);
  try {
    await Promise.all(
      story.map(async (one, index) => {
        const [first, second] = index % 2 === 0 ? [shared.store, other] : [other, shared.store];
        await Promise.all([first.record(one), second.record(one)]);
      }),
    );
  } finally {
    await other.close();
  }

  expect(await stateOf(shared.database)).toBe(await stateOf(alone.database));
  const [kept] = await query<{ n: number; repeats: number }>(
    shared.database,
    'SELECT count(*) AS n, CAST(sum(duplicates) AS integer) AS repeats FROM deliveries',
  );
  expect(kept).toEqual({ n: story.length, repeats: story.length });
  const [log] = await query<{ n: number; last: number }>(
    shared.database,
    'SELECT count(*) AS n, max(id) AS last FROM changes',
  );
  expect(log?.n).toBe(log?.last);
});

it('a writer reads what another one has written since its last group', async () => {
  const [created, reviewed, pending] = story;
  if (!created || !reviewed || !pending) throw new Error('the story has begun');
  const alone = await openTestStore();
  for (const one of [created, reviewed, pending]) await alone.store.record(one);

  const shared = await openTestStore();
  const other = await openStore(shared.config, SILENT);
  await shared.store.record(created);
  await other.record(reviewed);
  await other.close();
  await shared.store.record(pending);
  expect(await stateOf(shared.database)).toBe(await stateOf(alone.database));
});
