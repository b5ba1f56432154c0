/** Attempt IDs are permanent: late deliveries about earlier attempts do not change them. */

import fc from 'fast-check';
import type { IncomingDelivery } from '../../src/domain/delivery';
import type { Store } from '../../src/store/store';
import { query } from '../support/databases';
import { runCount } from '../support/run-count';
import { closeTestStores, openTestStore } from './open-test-store';
import { delivery, sumsub } from './provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

interface Held {
  readonly id: number;
  readonly stream: string;
  readonly started_at: string;
}

const HELD = `
SELECT id, level_key || ' ' || sandbox || ' ' || coalesce(attempt_ref, '') AS stream, started_at
  FROM attempts ORDER BY stream, number`;

async function post(store: Store, deliveries: readonly IncomingDelivery[]) {
  for (const one of deliveries) await store.record(one);
}

async function log(store: Store) {
  return (await store.read.tail(0, 1_000, {})).changes;
}

describe('an attempt', () => {
  const pending = (at: number) =>
    delivery('sumsub', sumsub('applicantPending', { reviewStatus: 'pending' }, at), NOW);
  const reviewed = (at: number, rest: object = {}) =>
    delivery('sumsub', sumsub('applicantReviewed', { ...green, ...rest }, at), NOW);
  const reset = (at: number) =>
    delivery('sumsub', sumsub('applicantReset', { reviewStatus: 'init' }, at), NOW);

  const word = fc
    .tuple(
      fc.constantFrom(
        ['applicantPending', { reviewStatus: 'pending' }],
        ['applicantReviewed', green],
        ['applicantReset', { reviewStatus: 'init' }],
        ['applicantActionPending', { applicantActionId: 'action-1', reviewStatus: 'pending' }],
        ['applicantDeleted', {}],
      ),
      fc.constantFrom({}, { sandboxMode: true }),
      fc.integer({ min: 0, max: 30 }),
    )
    .map(([[type, rest], sandbox, at]) =>
      delivery('sumsub', sumsub(String(type), { ...Object(rest), ...sandbox }, at), NOW),
    );

  it('keeps its ID, stream and order when deliveries arrive late', async () => {
    await fc.assert(
      fc
        .asyncProperty(fc.array(word, { minLength: 2, maxLength: 12 }), async (deliveries) => {
          const { store, database } = await openTestStore();
          let before = new Map<number, Held>();
          for (const one of deliveries) {
            await store.record(one);
            const rows = await query<Held>(database, HELD);
            for (const { id, stream, started_at } of rows) {
              const was = before.get(id);
              if (was === undefined) continue;
              expect(stream).toBe(was.stream);
              expect(started_at <= was.started_at).toBe(true);
            }
            const still = [...before.keys()].filter((id) => rows.some((row) => row.id === id));
            expect(rows.map(({ id }) => id).filter((id) => before.has(id))).toEqual(still);
            before = new Map(rows.map((row) => [row.id, row]));
          }
        })
        .afterEach(closeTestStores),
      { numRuns: runCount(10, 4), interruptAfterTimeLimit: 50_000 },
    );
  });

  /** Returns `#id number STATUS`, by number. */
  async function attempts(store: Store): Promise<readonly string[]> {
    const order = { field: 'STARTED_AT', direction: 'ASC' } as const;
    const [all] = await store.read.attemptsOf([1], {}, order, { first: 100 });
    return (all?.rows ?? [])
      .map(({ row }) => row)
      .sort((a, b) => a.number - b.number)
      .map(({ id, number, status }) => `#${id} ${number} ${status}`);
  }

  it('keeps its ID when a late delivery adds an earlier attempt', async () => {
    const { store } = await openTestStore();
    await post(store, [pending(10)]);
    expect(await attempts(store)).toEqual(['#1 1 IN_PROGRESS']);
    await post(store, [reviewed(5)]);
    expect(await attempts(store)).toEqual(['#2 1 APPROVED', '#1 2 IN_PROGRESS']);
    expect((await log(store)).slice(1)).toMatchObject([
      { attemptId: 2, previousAttemptStatus: null, attemptStatus: 'APPROVED' },
    ]);
    await post(store, [reset(2)]);
    expect(await attempts(store)).toEqual(['#2 1 APPROVED', '#1 2 IN_PROGRESS']);
    await post(store, [reviewed(1)]);
    expect(await attempts(store)).toEqual(['#3 1 CANCELLED', '#2 2 APPROVED', '#1 3 IN_PROGRESS']);
  });

  it('keeps its ID when a late delivery moves its start', async () => {
    const { store } = await openTestStore();
    await post(store, [reviewed(5), pending(10), pending(3), pending(8)]);
    expect(await attempts(store)).toEqual(['#1 1 APPROVED', '#2 2 IN_PROGRESS']);
  });

  it('keeps its ID among attempts of the test environment and of other actions', async () => {
    const { store } = await openTestStore();
    const sandbox = { sandboxMode: true };
    const action = (ref: string, at: number) =>
      delivery(
        'sumsub',
        sumsub('applicantActionPending', { applicantActionId: ref, reviewStatus: 'pending' }, at),
        NOW,
      );
    await post(store, [reviewed(9), reviewed(8, sandbox), action('b', 7), action('a', 6)]);
    expect(await attempts(store)).toEqual([
      '#4 1 IN_PROGRESS',
      '#3 2 IN_PROGRESS',
      '#2 3 APPROVED',
      '#1 4 APPROVED',
    ]);
  });

  it('keeps its ID when an open status with the time of an earlier decision arrives late', async () => {
    const { store } = await openTestStore();
    await post(store, [reviewed(1), pending(5), reviewed(9), pending(12)]);
    const held = ['#1 1 APPROVED', '#2 2 APPROVED', '#3 3 IN_PROGRESS'];
    expect(await attempts(store)).toEqual(held);
    // A decision takes precedence over an open status of the same instant, so no attempt starts or ends.
    await post(store, [pending(1)]);
    expect(await attempts(store)).toEqual(held);
    await post(store, [reset(20)]);
    expect(await attempts(store)).toEqual([
      '#1 1 APPROVED',
      '#2 2 CANCELLED',
      '#3 3 CANCELLED',
      '#4 4 PENDING',
    ]);
  });

  it('keeps its ID when several deliveries of one group arrive late', async () => {
    const { store } = await openTestStore();
    await Promise.all(
      [reviewed(1), pending(5), pending(1)].map((delivered) => store.record(delivered)),
    );
    expect(await attempts(store)).toEqual(['#1 1 APPROVED', '#2 2 IN_PROGRESS']);
    await post(store, [reviewed(7), reset(8)]);
    expect(await attempts(store)).toEqual(['#1 1 APPROVED', '#2 2 CANCELLED', '#3 3 PENDING']);
  });
});
