/** Monitoring queries use indexes, so their cost does not depend on the number of decided attempts. */

import { toInstantText } from '../../src/domain/instant';
import { DEFAULT_MONITORING_RULES } from '../../src/domain/monitoring';
import type { Trust } from '../../src/domain/status';
import type { Store } from '../../src/store/store';
import { openTestStore } from './open-test-store';
import { delivery, paycaddy, sumsub } from './provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const RULE = DEFAULT_MONITORING_RULES.silence;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

const before = (date: Date) => ({
  PENDING: date,
  IN_PROGRESS: date,
  ACTION_REQUIRED: date,
  IN_REVIEW: date,
});
const NEVER = before(new Date(0));

/** Creates a Sumsub delivery about a user of its own, `at` milliseconds after the start of 2024. */
function about(user: string, type: string, millisecond: number, rest: object = {}) {
  const whose = { applicantId: `applicant-${user}`, externalUserId: user, ...rest };
  return delivery('sumsub', sumsub(type, whose, millisecond), NOW);
}

describe('openAttempts', () => {
  it('counts open attempts by provider and status over all levels', async () => {
    const { store } = await openTestStore();
    await Promise.all(
      [
        about('ann', 'applicantCreated', 3),
        about('bob', 'applicantCreated', 1, { levelName: 'another-level' }),
        about('cid', 'applicantCreated', 2),
        about('cid', 'applicantPending', 7, { reviewStatus: 'pending' }),
        about('dan', 'applicantCreated', 4),
        about('dan', 'applicantReviewed', 9, GREEN),
        delivery('paycaddy', paycaddy('reviewNeeded', 'eve', 5), NOW),
      ].map((each) => store.record(each)),
    );

    const census = await store.read.openAttempts(before(new Date(Date.UTC(2024, 0, 1) + 2)));

    const startOf2024 = (millisecond: number) =>
      toInstantText(new Date(Date.UTC(2024, 0, 1) + millisecond));
    expect(census).toEqual(
      expect.arrayContaining([
        { provider: 'sumsub', status: 'PENDING', count: 2, stalled: 1, oldest: startOf2024(1) },
        { provider: 'sumsub', status: 'IN_PROGRESS', count: 1, stalled: 0, oldest: startOf2024(7) },
        expect.objectContaining({
          provider: 'paycaddy',
          status: 'IN_REVIEW',
          count: 1,
          stalled: 1,
        }),
      ]),
    );
    expect(census).toHaveLength(3);
  });

  it('returns an empty list without open attempts', async () => {
    const { store } = await openTestStore();
    expect(await store.read.openAttempts(NEVER)).toEqual([]);
  });
});

describe('silence', () => {
  /** Creates an ignored delivery every `stepMs`. */
  async function hum(
    store: Store,
    from: Date,
    to: Date,
    stepMs: number,
    trust: Trust = 'SIGNED',
  ): Promise<void> {
    const count = Math.ceil((to.getTime() - from.getTime()) / stepMs);
    const sent = Array.from({ length: count }, (_, n) => new Date(from.getTime() + n * stepMs));
    await Promise.all(
      sent.map((receivedAt) =>
        store.record({
          provider: 'sumsub',
          receivedAt,
          rawBody: Buffer.from('{}'),
          subpath: '',
          trust,
          reading: {
            kind: 'IGNORED',
            eventType: 'videoIdentStatusChanged',
            duplicateKey: receivedAt.toISOString(),
          },
        }),
      ),
    );
  }
  const ago = (ms: number) => new Date(NOW.getTime() - ms);

  it('is null for a provider without deliveries', async () => {
    const { store } = await openTestStore();
    const nothing = { lastDeliveryAt: null, silentSince: null };
    expect(await store.read.silence('sumsub', NOW, RULE)).toEqual(nothing);
  });

  it('starts at the last delivery of a provider that stops, and ends with the next one', async () => {
    const { store, reopen } = await openTestStore();
    await hum(store, ago(3 * DAY_MS), ago(60 * MINUTE_MS), 5 * MINUTE_MS);
    const last = ago(65 * MINUTE_MS);

    expect(await store.read.silence('sumsub', ago(40 * MINUTE_MS), RULE)).toEqual({
      lastDeliveryAt: last,
      silentSince: null,
    });
    const silent = { lastDeliveryAt: last, silentSince: last };
    expect(await store.read.silence('sumsub', NOW, RULE)).toEqual(silent);
    const reopened = await reopen();
    expect(await reopened.read.silence('sumsub', NOW, RULE)).toEqual(silent);
    expect((await reopened.read.silence('p100', NOW, RULE)).silentSince).toBeNull();

    await hum(reopened, NOW, new Date(NOW.getTime() + 1), 1);
    expect(await reopened.read.silence('sumsub', NOW, RULE)).toEqual({
      lastDeliveryAt: NOW,
      silentSince: null,
    });
  });

  it('ignores status responses', async () => {
    const { store } = await openTestStore();
    await hum(store, ago(3 * DAY_MS), ago(60 * MINUTE_MS), 5 * MINUTE_MS);
    const last = ago(65 * MINUTE_MS);
    await hum(store, ago(59 * MINUTE_MS), NOW, MINUTE_MS, 'CONFIRMED');
    const silent = { lastDeliveryAt: last, silentSince: last };
    expect(await store.read.silence('sumsub', NOW, RULE)).toEqual(silent);

    const asked = await openTestStore();
    await hum(asked.store, ago(3 * DAY_MS), ago(60 * MINUTE_MS), 5 * MINUTE_MS, 'CONFIRMED');
    await hum(asked.store, ago(2 * DAY_MS), ago(2 * DAY_MS - 1), 1);
    expect((await asked.store.read.silence('sumsub', NOW, RULE)).silentSince).toBeNull();
  });

  it('is null for a short pause of a provider with few deliveries', async () => {
    const { store } = await openTestStore();
    await hum(store, ago(9 * DAY_MS), ago(60 * MINUTE_MS), 60 * MINUTE_MS);
    expect((await store.read.silence('sumsub', NOW, RULE)).silentSince).toBeNull();
    const later = new Date(NOW.getTime() + 10 * 60 * MINUTE_MS);
    expect((await store.read.silence('sumsub', later, RULE)).silentSince).not.toBeNull();
  });
});

describe('quarantined', () => {
  it('counts by provider, up to a limit', async () => {
    const { store } = await openTestStore();
    for (const n of [1, 2, 3])
      await store.record(about('ann', 'applicantReviewed', n, { reviewStatus: `odd-${n}` }));
    expect(await store.read.quarantined('sumsub', 100)).toBe(3);
    expect(await store.read.quarantined('sumsub', 2)).toBe(2);
    expect(await store.read.quarantined('p100', 100)).toBe(0);
  });
});
