/** The clock of the machine is set back while the gateway runs. */

import { join } from 'node:path';
import type { Drill } from './trial/drill';
import { holdTrial } from './trial/trial';

/** Lets a signal set the clock of the process back by twenty minutes. */
const HOOK = join(__dirname, 'clock-hook.cjs');

export const clockBack: Drill = {
  name: 'clock-back',
  about: 'the clock set back by twenty minutes, again and again',
  engines: ['sqlite', 'postgres'],
  cycles: 4,
  postsPerCycle: 500,
  hold: (setting) =>
    holdTrial(
      setting,
      {
        nodeArgs: ['-r', HOOK],
      },
      async ({ fleet, reach }) => {
        for (let cycle = 0; cycle < setting.cycles; cycle += 1) {
          await reach((cycle + setting.random()) / setting.cycles);
          for (const gateway of fleet.gateways) gateway.signal('SIGUSR2');
        }
        return `set back ${setting.cycles} times`;
      },
    ),
};
