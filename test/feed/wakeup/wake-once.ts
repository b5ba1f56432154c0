/** Prints whether the first event is a wake-up or a disconnect. Then closes; the process must end by itself. */

import { createRedisWakeup } from '../../../src/feed/wakeup/redis';

const [url = ''] = process.argv.slice(2);
const report = (event: string) => {
  process.stdout.write(`${event}\n`);
  void wakeup.close();
};
const wakeup = createRedisWakeup({
  url,
  logId: 'log',
  log: { info: () => {}, warn: () => report('disconnected') },
});
wakeup.onWake(() => report('woken'));
