/** What is done because time passes, and how often. */

import { startMaintenance } from '../../src/jobs/maintenance';
import { silentLog } from '../support/logs';
import { until } from '../support/until';

it('drops old entries of the log at once, and then not in every round: each time is an act that is written down', async () => {
  const calls = { expire: 0, trimLog: 0 };
  let now = Date.UTC(2024, 0, 1);
  const upkeep = startMaintenance({
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
  await upkeep.stop();
  expect(calls.trimLog).toBe(4);
});
