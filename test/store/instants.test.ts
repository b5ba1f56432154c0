/** Events at one instant, and events dated before or after the stored ones. */

import fc from 'fast-check';
import type { IncomingDelivery } from '../../src/domain/delivery';
import type { Store } from '../../src/store/store';
import { runCount } from '../support/run-count';
import { closeTestStores, openTestStore } from './open-test-store';
import { delivery } from './provider-deliveries';
import green from './reported/same-millisecond-green.json';

const NOW = new Date('2025-06-02T10:20:00Z');

function sumsub(type: string, second: number, rest: object = {}): IncomingDelivery {
  const createdAtMs = new Date(NOW.getTime() + second * 1000)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '');
  const { reviewResult: _, createdAt: __, ...applicant } = green;
  return delivery(
    'sumsub',
    { ...applicant, reviewStatus: 'pending', type, createdAtMs, ...rest },
    NOW,
  );
}

const review = (second: number, reviewAnswer: 'GREEN' | 'RED', rest: object = {}) =>
  sumsub('applicantReviewed', second, {
    reviewStatus: 'completed',
    reviewResult: { reviewAnswer },
    ...rest,
  });

const statusOf = async (store: Store) =>
  (await store.read.userByExternalId(green.externalUserId))?.verificationStatus;

// Regression: the open status won, and the user stayed IN_PROGRESS.
it('prefers a decision to an open status at the same millisecond, in either order', async () => {
  const { reviewResult: _, ...pending } = {
    ...green,
    type: 'applicantPending',
    reviewStatus: 'pending',
  };
  for (const bodies of [
    [pending, green],
    [green, pending],
  ]) {
    const { store } = await openTestStore();
    for (const body of bodies) await store.record(delivery('sumsub', body, NOW));
    expect(await statusOf(store)).toBe('VERIFIED');
  }
});

describe('an event dated ahead of the gateway', () => {
  it('is quarantined beyond the clock skew', async () => {
    const { store } = await openTestStore();
    expect(await store.record(review(301, 'GREEN'))).toMatchObject({ disposition: 'QUARANTINED' });
    expect(await store.record(review(300, 'GREEN'))).toMatchObject({ disposition: 'APPLIED' });
  });

  // Regression: the rejection was reported as APPLIED, because it moved the beginning of the attempt.
  it('makes a contrary event STALE', async () => {
    const { store } = await openTestStore();
    await store.record(review(240, 'GREEN'));
    expect(await store.record(review(0, 'RED'))).toMatchObject({
      disposition: 'STALE',
      changes: 0,
    });
    expect(await statusOf(store)).toBe('VERIFIED');
    expect(await store.record(review(241, 'RED'))).toMatchObject({ disposition: 'APPLIED' });
    expect(await statusOf(store)).toBe('NOT_VERIFIED');
  });
});

it('returns APPLIED only if the user changes', async () => {
  const second = fc.integer({ min: -20, max: 20 });
  const news = fc.oneof(
    second.map((at) => sumsub('applicantPending', at)),
    second.map((at) => review(at, 'GREEN')),
    second.map((at) => review(at, 'RED')),
    second.map((at) => sumsub('applicantReset', at)),
    second.map((at) => sumsub('applicantLevelChanged', at, { previousLevelName: 'before' })),
  );
  await fc.assert(
    fc
      .asyncProperty(fc.array(news, { minLength: 1, maxLength: 8 }), async (deliveries) => {
        const { store } = await openTestStore();
        await store.record(sumsub('applicantCreated', -30));
        for (const one of deliveries) {
          const { disposition, duplicate, changes } = await store.record(one);
          if (!duplicate) expect(disposition === 'APPLIED').toBe(changes > 0);
        }
      })
      .afterEach(closeTestStores),
    { numRuns: runCount(8, 2) },
  );
}, 60_000);

describe('a level change', () => {
  it('keeps the approval of the previous level, in every order of arrival', async () => {
    const level = (levelName: string) => ({ levelName });
    const history = [
      review(-9, 'GREEN', level('l1')),
      sumsub('applicantLevelChanged', -8, { ...level('l2'), previousLevelName: 'l1' }),
      sumsub('applicantPending', -7, level('l2')),
      review(-6, 'GREEN', level('l2')),
    ];
    await fc.assert(
      fc
        .asyncProperty(fc.shuffledSubarray(history, { minLength: 4 }), async (deliveries) => {
          const policy = {
            verified: { allOf: [{ level: 'sumsub/l1' }, { level: 'sumsub/l2' }] },
            expiresAfterMs: {},
          };
          const { store } = await openTestStore({ policy });
          for (const one of deliveries) await store.record(one);
          expect(await statusOf(store)).toBe('VERIFIED');
          const user = await store.read.userByExternalId(green.externalUserId);
          const levels = await store.read.levelsOf([user?.id ?? 0]);
          expect(levels[0]).toMatchObject([
            { levelKey: 'sumsub/l1', status: 'VERIFIED', superseded: true },
            { levelKey: 'sumsub/l2', status: 'VERIFIED', superseded: false },
          ]);
        })
        .afterEach(closeTestStores),
      { numRuns: runCount(10, 3) },
    );
  }, 60_000);
});
