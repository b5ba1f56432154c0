/** Projecting events one by one gives the same state as projecting all events at once. */

import fc from 'fast-check';
import type { IncomingDelivery } from '../../src/domain/delivery';
import type { AttemptStatus } from '../../src/domain/status';
import { change } from '../support/databases';
import { runCount } from '../support/run-count';
import { openTestStore, stateOf } from './open-test-store';
import { delivery, p100, sumsub } from './provider-deliveries';

const RECEIVED = new Date('2024-02-01T00:00:00Z');
/** Number of users. Both engines share the fold, so a few users suffice on PostgreSQL. */
const PEOPLE = runCount(50, 15);
const SEED = 20_240_201;
const YEAR_MS = 365 * 24 * 60 * 60_000;

const review = (answer: string) => ({
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: answer, reviewRejectType: 'RETRY', rejectLabels: ['BAD_SELFIE'] },
});

const KINDS: Record<string, object> = {
  applicantCreated: { reviewStatus: 'init' },
  applicantPending: { reviewStatus: 'pending' },
  applicantOnHold: { reviewStatus: 'onHold' },
  green: { type: 'applicantReviewed', ...review('GREEN') },
  red: { type: 'applicantReviewed', ...review('RED') },
  applicantReset: { reviewStatus: 'init' },
  applicantLevelChanged: { previousLevelName: 'basic', levelName: 'plus' },
  applicantDeactivated: {},
  applicantActivated: {},
  applicantDeleted: {},
  pendingAction: { type: 'applicantActionPending', reviewStatus: 'pending' },
  greenAction: { type: 'applicantActionReviewed', ...review('GREEN') },
  redAction: { type: 'applicantActionReviewed', ...review('RED') },
};

const dated = fc.record({
  kind: fc.constantFrom(...Object.keys(KINDS)),
  levelName: fc.constantFrom('basic', 'plus', 'extra'),
  account: fc.constantFrom('a', 'b'),
  applicantActionId: fc.constantFrom('action-1', 'action-2', 'action-3'),
  names: fc.boolean(),
  sandboxMode: fc.constantFrom(false, false, false, true),
  // Many events share an instant and some are far apart, so that late events are late by small and large intervals.
  at: fc.oneof(fc.nat(5), fc.nat(1_000)),
});

/** Events in order of arrival, with duplicates. */
const arrivals = fc.tuple(
  fc.array(dated, { minLength: 20, maxLength: 60 }),
  fc.array(fc.nat(), { maxLength: 10 }),
);

function toDeliveries(who: string): readonly IncomingDelivery[] {
  const [[events, repeats] = [[], []]] = fc.sample(arrivals, {
    seed: SEED + Number(who),
    numRuns: 1,
  });
  const once = events.map(({ kind, account, names, at, applicantActionId, ...rest }) => {
    const body = {
      applicantId: `${who}${account}`,
      ...(names && { externalUserId: `person-${who}` }),
      ...rest,
      ...(kind.endsWith('Action') && { applicantActionId }),
      ...KINDS[kind],
    };
    return delivery('sumsub', sumsub(kind, body, at), RECEIVED);
  });
  const again = repeats.flatMap((index) => once[index % once.length] ?? []);
  return [...once, ...again, ...undated(who)];
}

function undated(who: string): readonly IncomingDelivery[] {
  const words: [string, AttemptStatus | string | undefined][] = [
    ['NOT_VERIFIED', 'PENDING'],
    ['NOT_VERIFIED', 'VERIFICATION'],
    ['VERIFIED', 'SUCCESSFUL'],
    ['NOT_VERIFIED', 'PENDING'],
    ['EXPIRED', undefined],
  ];
  return words.map(([standing, status], index) =>
    delivery(
      'p100',
      p100(`${who}p`, standing, status),
      new Date(RECEIVED.getTime() + index * 90_000),
    ),
  );
}

it('gives the state of a projection of all events at once', async () => {
  const policy = { verified: null, expiresAfterMs: { '*': 100 * YEAR_MS, 'sumsub/plus': 1 } };
  const { store, database, reopen } = await openTestStore({ policy });
  const people = Array.from({ length: PEOPLE }, (_, index) => toDeliveries(String(index)));
  await Promise.all(
    people.map(async (deliveries) => {
      for (const one of deliveries) await store.record(one);
    }),
  );
  await store.expire(new Date());
  const incremental = await stateOf(database);

  await store.close();
  await change(database, `DELETE FROM settings WHERE name = 'rules'`);
  await reopen();
  expect(await stateOf(database)).toBe(incremental);
}, 240_000);
