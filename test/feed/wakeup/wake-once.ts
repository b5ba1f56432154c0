/** Waits until it is woken, or told that nobody is reached, says which, and ends by itself when all is closed. */

import { createRedisWakeup } from '../../../src/feed/wakeup/redis';

const [url = ''] = process.argv.slice(2);
const tell = (what: string) => {
  process.stdout.write(`${what}\n`);
  void wakeup.close();
};
const wakeup = createRedisWakeup({
  url,
  logId: 'log',
  log: { info: () => {}, warn: () => tell('not reached') },
});
wakeup.onWake(() => tell('woken'));
