/** The watch over a real store, by a clock that the test moves. */

import { DEFAULT_MONITORING_RULES } from '../../src/domain/monitoring';
import { type Monitor, startMonitor } from '../../src/jobs/monitor';
import type { Store } from '../../src/store/store';
import { openTestStore } from '../store/open-test-store';
import { delivery, sumsub } from '../store/vendor-deliveries';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { until } from '../support/until';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = new Date('2024-01-02T00:00:00Z');
const disposal = createDisposal();

const at = (hours: number) => new Date(START.getTime() + hours * HOUR_MS);

function start(store: Store, time: { now: Date }) {
  const { log, lines } = createRecordedLog();
  const options = { providers: ['sumsub', 'p100'], rules: DEFAULT_MONITORING_RULES, intervalMs: 1 };
  const watch = startMonitor({ store, clock: () => time.now, log, ...options });
  disposal.defer(() => watch.stop());
  const told = () => lines.map(({ msg }) => msg);
  return { watch, lines, told };
}

/** Moves the clock and waits until a round has seen it. */
async function moveTo(time: { now: Date }, watch: Monitor, now: Date): Promise<void> {
  time.now = now;
  await until(() => watch.report?.at.getTime() === now.getTime());
}

/** Tells of one user, once every ten minutes. */
async function hum(store: Store, from: Date, to: Date): Promise<void> {
  const times = Array.from(
    { length: (to.getTime() - from.getTime()) / (HOUR_MS / 6) },
    (_, n) => new Date(from.getTime() + (n * HOUR_MS) / 6),
  );
  await Promise.all(
    times.map((time) =>
      store.record(
        delivery(
          'sumsub',
          sumsub('applicantTagsChanged', {}, time.getTime() - Date.UTC(2024, 0, 1)),
          time,
        ),
      ),
    ),
  );
}

describe('a provider that goes quiet', () => {
  it('is told of when that begins and when it ends, and in between not again', async () => {
    const { store } = await openTestStore();
    await hum(store, at(0), at(48));
    const time = { now: at(48) };
    const { watch, lines, told } = start(store, time);
    await moveTo(time, watch, at(48.5));
    expect(told()).toEqual([]);

    for (const hours of [51, 52, 53, 60, 24 * 9]) await moveTo(time, watch, at(hours));
    const last = new Date(at(48).getTime() - HOUR_MS / 6);
    expect(told()).toEqual(['a provider has gone quiet']);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      provider: 'sumsub',
      silentSince: last.toISOString(),
    });
    expect(watch.report?.providers).toEqual([
      { provider: 'sumsub', lastDeliveryAt: last, silentSince: last, quarantined: 0 },
      { provider: 'p100', lastDeliveryAt: null, silentSince: null, quarantined: 0 },
    ]);

    await hum(store, at(24 * 9), at(24 * 9 + 1));
    await moveTo(time, watch, at(24 * 9 + 1));
    expect(told()).toEqual(['a provider has gone quiet', 'a provider is heard again']);
  });

  it('is still known to be quiet after a restart, and told of anew', async () => {
    const { store, reopen } = await openTestStore();
    await hum(store, at(0), at(48));
    const time = { now: at(55) };
    const first = start(store, time);
    await until(() => first.told().length === 1);
    await first.watch.stop();

    const second = start(await reopen(), time);
    await until(() => second.watch.report !== null);
    expect(second.told()).toEqual(first.told());
    expect(second.watch.report).toEqual(first.watch.report);
  });
});

describe('attempts that stall', () => {
  const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
  function about(applicantId: string, type: string, rest: object, time: Date) {
    const millisecond = time.getTime() - Date.UTC(2024, 0, 1);
    return delivery('sumsub', sumsub(type, { applicantId, ...rest }, millisecond), time);
  }
  const pending = (applicantId: string, time: Date) =>
    about(applicantId, 'applicantPending', { reviewStatus: 'pending' }, time);

  it('are told of when the first does and when the last goes on', async () => {
    const { store } = await openTestStore();
    await store.record(pending('a', at(0)));
    await store.record(pending('b', at(1)));
    const time = { now: at(2) };
    const { watch, lines, told } = start(store, time);
    expect(await watch.census()).toMatchObject([{ status: 'IN_PROGRESS', count: 2, stalled: 0 }]);

    time.now = at(24.5);
    await until(() => told().length > 0);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      msg: 'attempts have stalled',
      provider: 'sumsub',
      status: 'IN_PROGRESS',
      stalled: 1,
      oldest: at(0).toISOString(),
    });
    time.now = at(26);
    await until(async () => (await watch.census())[0]?.stalled === 2);

    await store.record(about('a', 'applicantReviewed', GREEN, at(26)));
    await until(async () => (await watch.census())[0]?.stalled === 1);
    await store.record(about('b', 'applicantOnHold', { reviewStatus: 'onHold' }, at(26)));
    await until(() => told().length > 1);
    expect(told()).toEqual(['attempts have stalled', 'no attempt is stalled any more']);
  });
});

describe('a watch that cannot read', () => {
  it('says so and goes on', async () => {
    const { store } = await openTestStore();
    let failures = 2;
    const snapshot: Store['snapshot'] = (work) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('away')) : store.snapshot(work);
    };
    const { watch, told } = start(
      { ...store, snapshot },
      { now: new Date(START.getTime() + DAY_MS) },
    );
    await until(() => watch.report !== null);
    expect(told()).toEqual(Array(2).fill('the watch failed; it will be tried again'));
  });
});
