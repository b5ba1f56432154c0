/** Clients of one instance continue with another instance, also after a kill. */

import { setTimeout as sleep } from 'node:timers/promises';
import { randomIndex } from '../../src/cli/simulation/random';
import type { Drill } from './trial/drill';
import { holdTrial } from './trial/trial';

export const anyInstance: Drill = {
  name: 'any-instance',
  about: 'subscriptions cut, and one of three instances killed, again and again',
  engines: ['postgres'],
  cycles: 12,
  postsPerCycle: 300,
  hold: (setting) =>
    holdTrial(
      setting,
      { gateways: 3, subscribeTo: (fleet) => [fleet, fleet] },
      async ({ fleet, subscribers, reach }) => {
        const { cycles, random } = setting;
        for (let cycle = 0; cycle < cycles; cycle += 1) {
          await reach((cycle + random() * 0.4) / cycles);
          for (const subscriber of subscribers) subscriber.cut();
          await reach((cycle + 0.4 + random() * 0.4) / cycles);
          await sleep(random() * 15);
          const gateway = fleet.gateways[randomIndex(random, fleet.gateways.length)];
          await gateway?.kill();
          await gateway?.start();
        }
        const connected = subscribers.reduce((sum, { connections }) => sum + connections, 0);
        return `${cycles} kills; subscribers connected ${connected} times`;
      },
    ),
};
