/** A gateway and a command beside it, or two gateways by mistake, on one file. */

import { openStore } from '../../src/store/open-store';
import { openTestStore, query, SILENT, stateOf } from './open-test-store';
import { delivery, sumsub } from './vendor-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const PEOPLE = 40;

const red = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'RED' } };
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

/** Two accounts each, of which it turns out late that they are one person's. */
const story = Array.from({ length: PEOPLE }, (_, person) => {
  const [first, second] = [{ applicantId: `a${person}` }, { applicantId: `b${person}` }];
  const named = { externalUserId: `e${person}` };
  return [
    sumsub('applicantCreated', first, 1),
    sumsub('applicantReviewed', { ...first, ...green }, 2),
    sumsub('applicantPending', { ...first, ...named, reviewStatus: 'pending' }, 3),
    sumsub('applicantCreated', second, 1),
    sumsub('applicantPending', { ...second, ...named, reviewStatus: 'pending' }, 2),
    sumsub('applicantReviewed', { ...second, ...red }, 4),
  ].map((body) => delivery('sumsub', body, NOW));
}).flat();

it('two writers on one file keep each delivery once, and end where one alone does', async () => {
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

  expect(await stateOf(shared.file)).toBe(await stateOf(alone.file));
  const [kept] = await query<{ n: number; repeats: number }>(
    shared.file,
    'SELECT count(*) AS n, sum(duplicates) AS repeats FROM deliveries',
  );
  expect(kept).toEqual({ n: story.length, repeats: story.length });
  const [log] = await query<{ n: number; last: number }>(
    shared.file,
    'SELECT count(*) AS n, max(id) AS last FROM changes',
  );
  expect(log?.n).toBe(log?.last);
});

it('a writer notices what another one has written since it last looked', async () => {
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
  expect(await stateOf(shared.file)).toBe(await stateOf(alone.file));
});
