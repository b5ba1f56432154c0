/** The monitor with a real store, on a clock that the test controls. */

import { DEFAULT_MONITORING_RULES } from '../../src/domain/monitoring';
import { type Monitor, startMonitor } from '../../src/jobs/monitor';
import type { Store } from '../../src/store/store';
import { openTestStore } from '../store/open-test-store';
import { delivery, sumsub } from '../store/provider-deliveries';
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
  const monitor = startMonitor({ store, clock: () => time.now, log, ...options });
  disposal.defer(() => monitor.stop());
  const messages = () => lines.map(({ msg }) => msg);
  return { monitor, lines, messages };
}

/** Sets the clock and waits for a run with the new time. */
async function moveTo(time: { now: Date }, monitor: Monitor, now: Date): Promise<void> {
  time.now = now;
  await until(() => monitor.report?.at.getTime() === now.getTime());
}

/** Records one delivery of one user every ten minutes. */
async function recordEveryTenMinutes(store: Store, from: Date, to: Date): Promise<void> {
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

describe('a provider that stops sending', () => {
  it('is logged once at the start and once at the end', async () => {
    const { store } = await openTestStore();
    await recordEveryTenMinutes(store, at(0), at(48));
    const time = { now: at(48) };
    const { monitor, lines, messages } = start(store, time);
    await moveTo(time, monitor, at(48.5));
    expect(messages()).toEqual([]);

    for (const hours of [51, 52, 53, 60, 24 * 9]) await moveTo(time, monitor, at(hours));
    const last = new Date(at(48).getTime() - HOUR_MS / 6);
    expect(messages()).toEqual(['provider stopped sending webhooks']);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      provider: 'sumsub',
      silentSince: last.toISOString(),
    });
    expect(monitor.report?.providers).toEqual([
      { provider: 'sumsub', lastDeliveryAt: last, silentSince: last, quarantined: 0 },
      { provider: 'p100', lastDeliveryAt: null, silentSince: null, quarantined: 0 },
    ]);

    await recordEveryTenMinutes(store, at(24 * 9), at(24 * 9 + 1));
    await moveTo(time, monitor, at(24 * 9 + 1));
    expect(messages()).toEqual([
      'provider stopped sending webhooks',
      'provider resumed sending webhooks',
    ]);
  });

  it('is still silent after a restart, and logged again', async () => {
    const { store, reopen } = await openTestStore();
    await recordEveryTenMinutes(store, at(0), at(48));
    const time = { now: at(55) };
    const first = start(store, time);
    await until(() => first.messages().length === 1);
    await first.monitor.stop();

    const second = start(await reopen(), time);
    await until(() => second.monitor.report !== null);
    expect(second.messages()).toEqual(first.messages());
    expect(second.monitor.report).toEqual(first.monitor.report);
  });
});

describe('stalled attempts', () => {
  const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
  function about(applicantId: string, type: string, rest: object, time: Date) {
    const millisecond = time.getTime() - Date.UTC(2024, 0, 1);
    return delivery('sumsub', sumsub(type, { applicantId, ...rest }, millisecond), time);
  }
  const pending = (applicantId: string, time: Date) =>
    about(applicantId, 'applicantPending', { reviewStatus: 'pending' }, time);

  it('are logged when the first stalls and when the last continues', async () => {
    const { store } = await openTestStore();
    await store.record(pending('a', at(0)));
    await store.record(pending('b', at(1)));
    const time = { now: at(2) };
    const { monitor, lines, messages } = start(store, time);
    expect(await monitor.census()).toMatchObject([{ status: 'IN_PROGRESS', count: 2, stalled: 0 }]);

    time.now = at(24.5);
    await until(() => messages().length > 0);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      msg: 'attempts stalled',
      provider: 'sumsub',
      status: 'IN_PROGRESS',
      stalled: 1,
      oldest: at(0).toISOString(),
    });
    time.now = at(26);
    await until(async () => (await monitor.census())[0]?.stalled === 2);

    await store.record(about('a', 'applicantReviewed', GREEN, at(26)));
    await until(async () => (await monitor.census())[0]?.stalled === 1);
    await store.record(about('b', 'applicantOnHold', { reviewStatus: 'onHold' }, at(26)));
    await until(() => messages().length > 1);
    expect(messages()).toEqual(['attempts stalled', 'attempts no longer stalled']);
  });
});

describe('a monitor without a database', () => {
  it('logs the failure and continues', async () => {
    const { store } = await openTestStore();
    let failures = 2;
    const snapshot: Store['snapshot'] = (work) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('unavailable')) : store.snapshot(work);
    };
    const { monitor, messages } = start(
      { ...store, snapshot },
      { now: new Date(START.getTime() + DAY_MS) },
    );
    await until(() => monitor.report !== null);
    expect(messages()).toEqual(Array(2).fill('monitoring run failed'));
  });
});
