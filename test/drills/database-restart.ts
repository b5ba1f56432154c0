/** The database server is restarted under load: in an orderly way, and as if the power had failed. */

import { FAST, IMMEDIATE } from '../support/services/own-postgres';
import type { Drill } from './trial/drill';
import { holdTrial } from './trial/trial';

export const databaseRestart: Drill = {
  name: 'database-restart',
  about: 'PostgreSQL stopped and started again, fast and immediate in turn',
  engines: ['postgres'],
  cycles: 6,
  postsPerCycle: 500,
  hold: (setting) =>
    holdTrial(
      setting,
      { gateways: 2, revived: true },
      async ({ database: { server }, fleet, reach }) => {
        if (server === undefined) throw new Error('expected a server to restart');
        for (let cycle = 0; cycle < setting.cycles; cycle += 1) {
          await reach((cycle + setting.random()) / setting.cycles);
          await server.end(cycle % 2 === 0 ? FAST : IMMEDIATE);
          await server.start();
        }
        const ended = fleet.gateways.flatMap(({ endings }) => endings).length;
        return `${setting.cycles} restarts; a gateway ended ${ended} times`;
      },
    ),
};
