/** `kill -9` at any instant, and started again on what is left. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/cli/simulation/random';
import type { Drill } from './trial/drill';
import { holdTrial } from './trial/trial';

/** About what a group of deliveries takes to commit. */
const UNDER_WAY_MS = 15;

export const kill: Drill = {
  name: 'kill',
  about: 'kill -9 of the gateway in the midst of a flood',
  engines: ['sqlite', 'postgres'],
  cycles: 50,
  postsPerCycle: 150,
  hold: (setting) =>
    holdTrial(setting, {}, async ({ fleet, sending, subscribers, reach }) => {
      let underWay = 0;
      for (const [cut, instant] of marks(setting.cycles, setting.random)) {
        await reach(cut);
        for (const subscriber of subscribers) subscriber.cut();
        await reach(instant);
        await sleep(setting.random() * UNDER_WAY_MS); // so that it is hit anywhere between two commits
        if (sending.underWay > 0) underWay += 1;
        await fleet.kill();
        await fleet.start();
      }
      return `${setting.cycles} kills, ${underWay} of them with posts under way`;
    }),
};

/** At which shares of the whole to cut the subscriber off and then to kill. */
function marks(
  cycles: number,
  random: Random,
): readonly (readonly [cut: number, instant: number])[] {
  const part = 1 / cycles;
  return Array.from({ length: cycles }, (_, index) => {
    const begin = index * part;
    return [begin + random() * 0.4 * part, begin + (0.4 + random() * 0.4) * part];
  });
}
