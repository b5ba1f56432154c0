/** Connections to PostgreSQL are terminated at random, all the time, while two instances are under load. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Drill } from './trial/drill';
import { holdTrial } from './trial/trial';

const EVERY_MS = 60;
const AT_ONCE = 3;

export const backendsTerminated: Drill = {
  name: 'backends-terminated',
  about: 'connections to PostgreSQL terminated at random; subscribers with and without resume',
  engines: ['postgres'],
  cycles: 1,
  postsPerCycle: 6000,
  hold(setting) {
    const lastsMs = setting.cycles * setting.awayMs;
    return holdTrial(
      setting,
      {
        gateways: 2,
        subscribeTo: (fleet) => [...fleet.gateways, ...fleet.gateways],
        resumes: (subscriber) => subscriber < 2,
        lastsMs,
      },
      async ({ database: { server }, subscribers }) => {
        if (server === undefined) throw new Error('expected a server with connections');
        let terminated = 0;
        for (const end = performance.now() + lastsMs; performance.now() < end; ) {
          terminated += await server.terminate(AT_ONCE);
          await sleep(EVERY_MS);
        }
        const connected = subscribers.reduce((sum, { connections }) => sum + connections, 0);
        return `${terminated} connections terminated; 4 subscribers connected ${connected} times`;
      },
    );
  },
};
