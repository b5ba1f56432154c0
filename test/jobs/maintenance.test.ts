/** Scheduled maintenance. */

import { startMaintenance } from '../../src/jobs/maintenance';
import { silentLog } from '../support/logs';
import { until } from '../support/until';

it('trims the log immediately, and then at most once per hour, because each trim adds an audit entry', async () => {
  const calls = { expire: 0, trimLog: 0 };
  let now = Date.UTC(2024, 0, 1);
  const maintenance = startMaintenance({
    store: {
      async expire() {
        calls.expire += 1;
        return 0;
      },
      async trimLog() {
        calls.trimLog += 1;
        return 3;
      },
      erasures: {
        runDueErasures: async () => 0,
        wipe: async () => true,
        purgeBodies: async () => 0,
      },
    },
    wake() {},
    clock: () => new Date(now),
    log: silentLog,
    changeLogRetentionDays: 1,
    rawBodyRetentionMs: null,
    intervalMs: 1,
  });
  await until(() => calls.expire > 5);
  expect(calls.trimLog).toBe(1);
  for (const [index, hours] of [1, 48, -72].entries()) {
    now += hours * 60 * 60_000;
    await until(() => calls.trimLog === 2 + index);
  }
  await maintenance.stop();
  expect(calls.trimLog).toBe(4);
});
