/** Tests that events after an erasure lead to one state in any order, with few queries. */

import fc from 'fast-check';
import type { Store } from '../../../src/store/store';
import { runCount } from '../../support/run-count';
import { closeTestStores, openTestStore, stateOf, type TestStore } from '../open-test-store';
import { answer, delivery, p100, sumsub } from '../provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const secondsOn = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const BY = { reason: 'requested', changeActor: 'desk', auditActor: 'ApiKey:1 desk' };
const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

/** Ada is erased at the tenth second. */
const ERASED_AT = secondsOn(10);

function review(applicantId: string, externalUserId: string, second: number, rest: object = {}) {
  const createdAtMs = secondsOn(second).toISOString().replace('T', ' ').replace('Z', '');
  const type = 'reviewResult' in rest ? 'applicantReviewed' : 'applicantPending';
  const said = { ...sumsub(type, { applicantId, externalUserId, ...rest }, 0), createdAtMs };
  return delivery('sumsub', said, secondsOn(30));
}

const LATE = review('hers', 'ada', 5, GREEN);
const FRESH = review('hers', 'ada', 20);
const NAMED_LATE = review('of-bo', 'ada', 6);
const NAMED_FRESH = review('of-bo', 'ada', 21, GREEN);
const SINCE = [
  LATE,
  FRESH,
  NAMED_LATE,
  NAMED_FRESH,
  review('of-bo', 'bo', 7, GREEN),
  review('new', 'ada', 8, GREEN),
  review('new', 'ada', 22),
  delivery('p100', p100('ada', 'VERIFIED'), secondsOn(31)),
];

async function adaErased() {
  const opened = await openTestStore({}, { clock: () => secondsOn(60) });
  const { store } = opened;
  await store.record(review('hers', 'ada', 0));
  await store.record(review('of-bo', 'bo', 1));
  const userId = (await store.read.userByExternalId('ada'))?.id ?? 0;
  await store.erasures.erase({ ...BY, userId, now: ERASED_AT });
  return opened;
}

/** Returns the state without the placeholders of erased IDs, which differ between databases. */
async function namesOut({ database }: Pick<TestStore, 'database'>): Promise<string> {
  return (await stateOf(database)).replaceAll(/erased:[\w-]+/g, 'erased');
}

async function post(store: Store, messages: typeof SINCE, groupSize: number): Promise<void> {
  for (let start = 0; start < messages.length; start += groupSize) {
    await Promise.all(messages.slice(start, start + groupSize).map((one) => store.record(one)));
  }
}

// Regression: a returned user received all earlier events, and was verified by an approval from before the erasure.
it.each([
  ['late event first', [LATE, FRESH]],
  ['late event last', [FRESH, LATE]],
])('verifies no user by an event from before the erasure, %s', async (_, messages) => {
  const { store } = await adaErased();
  await post(store, messages, 1);
  const back = await store.read.userByExternalId('ada');
  expect(back).toMatchObject({ verificationStatus: 'NOT_VERIFIED', erasedAt: null });
});

// Regression: the late event had assigned the identity to her already, so the new one did not move it from bo.
it.each([
  ['late event first', [NAMED_LATE, NAMED_FRESH]],
  ['late event last', [NAMED_FRESH, NAMED_LATE]],
])('moves an identity that has her external ID since the erasure, %s', async (_, messages) => {
  const { store } = await adaErased();
  await post(store, messages, 1);
  const [ada, bo] = [
    await store.read.userByExternalId('ada'),
    await store.read.userByExternalId('bo'),
  ];
  expect(await store.read.userByIdentity('sumsub', 'of-bo')).toEqual(ada);
  expect(ada).toMatchObject({ verificationStatus: 'VERIFIED' });
  expect(bo).toMatchObject({ verificationStatus: 'NOT_VERIFIED' });
});

it('leads to one state in any order and any groups', async () => {
  const shuffled = fc.shuffledSubarray(SINCE, { minLength: 2 });
  await fc.assert(
    fc
      .asyncProperty(shuffled, fc.integer({ min: 1, max: 4 }), async (messages, groupSize) => {
        const inOrder = await adaErased();
        await post(
          inOrder.store,
          SINCE.filter((one) => messages.includes(one)),
          1,
        );
        const other = await adaErased();
        await post(other.store, messages, groupSize);
        expect(await namesOut(other)).toBe(await namesOut(inOrder));
      })
      .afterEach(closeTestStores),
    { numRuns: runCount(8, 2) },
  );
}, 60_000);

it('deletes a returned account, unless the deletion is dated before the erasure', async () => {
  const { store } = await adaErased();
  await store.record(FRESH);
  const gone = (second: number) => {
    const createdAtMs = secondsOn(second).toISOString().replace('T', ' ').replace('Z', '');
    const said = { applicantId: 'hers', externalUserId: 'ada', createdAtMs };
    return delivery('sumsub', sumsub('applicantDeleted', said, 0), secondsOn(30));
  };
  expect(await store.record(gone(9))).toMatchObject({ disposition: 'IGNORED' });
  expect(await store.read.userByExternalId('ada')).toMatchObject({ active: true });
  expect(await store.record(gone(25))).toMatchObject({ disposition: 'APPLIED' });
  expect(await store.read.userByExternalId('ada')).toMatchObject({ active: false });
});

it('applies a status response about a returned account if it was requested after the erasure', async () => {
  const { store } = await adaErased();
  await store.record(FRESH);
  const state = {
    createDate: '2024-06-01 12:00:00+0000',
    levelName: 'basic-kyc-level',
    reviewStatus: 'onHold',
  };
  const answered = (second: number) =>
    store.record(answer('sumsub', 'applicants/hers/status', state, secondsOn(second)));
  expect(await answered(9)).toMatchObject({ disposition: 'IGNORED' });
  expect(await answered(40)).toMatchObject({ disposition: 'APPLIED' });
});

// Regression: every group queried again for all users that any cached identity had ever named.
// Regression: the response to a check that was sent before the erasure, dated up to a second later, opened the user again.
it('opens no user with a status response, regardless of its date', async () => {
  const { store } = await adaErased();
  const { deliveryId, disposition } = await store.record({ ...FRESH, trust: 'CONFIRMED' });
  expect({ deliveryId, disposition }).toEqual({
    deliveryId: expect.any(Number),
    disposition: 'IGNORED',
  });
  expect(await store.read.userByExternalId('ada')).toBeNull();
});

it('queries each tombstone once', async () => {
  const asked: string[] = [];
  const onQuery = (sql: string) => {
    if (sql.includes('has_erasures')) asked.push('load');
    if (sql.includes('FROM erased_subjects t')) asked.push('tombstones');
  };
  const { store } = await openTestStore({}, { clock: () => secondsOn(60), onQuery });
  await store.record(review('hers', 'ada', 0));
  await store.record(review('of-bo', 'ada', 1));
  await store.record(review('of-bo', 'bo', 2));
  expect(asked).not.toContain('tombstones');
  const userId = (await store.read.userByExternalId('ada'))?.id ?? 0;
  await store.erasures.erase({ ...BY, userId, now: ERASED_AT });

  asked.length = 0;
  await store.record(review('of-bo', 'bo', 20));
  expect(asked).toEqual(['load', 'load', 'tombstones']);
  asked.length = 0;
  await store.record(review('of-bo', 'bo', 21));
  await store.record(review('of-bo', 'bo', 22));
  expect(asked).toEqual(['load', 'load']);
  await store.record(review('other', 'cy', 23));
  expect(asked).toEqual(['load', 'load', 'load', 'tombstones']);
});
