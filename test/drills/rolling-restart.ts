/** Every instance is stopped and started again, one after the other, under load, as an upgrade does. */

import type { Drill } from './trial/drill';
import type { Fleet } from './trial/fleet';
import { holdTrial, type Report, type Setting, type Trial } from './trial/trial';

export const rollingRestart: Drill = {
  name: 'rolling-restart',
  about: 'every instance stopped and started in turn; three on PostgreSQL, the one on SQLite',
  engines: ['sqlite', 'postgres'],
  cycles: 3,
  postsPerCycle: 1500,
  async hold(setting) {
    const report = await holdTrial(
      setting,
      {
        gateways: setting.engine === 'sqlite' ? 1 : 3,
        subscribeTo: (fleet: Fleet) => [fleet, fleet, fleet],
      },
      (trial) => restart(trial, setting),
    );
    return { ...report, checks: [...report.checks, unanswered(report)] };
  },
};

async function restart(
  { fleet, reach, subscribers }: Trial,
  { cycles, random }: Setting,
): Promise<string> {
  const restarts = cycles * fleet.gateways.length;
  for (let index = 0; index < restarts; index += 1) {
    await reach((index + random() * 0.5) / restarts);
    const gateway = fleet.gateways[index % fleet.gateways.length];
    const code = await gateway?.stop();
    if (code !== 0) throw new Error(`a stopped gateway exited with code ${code}`);
    await gateway?.start();
  }
  const connected = subscribers.reduce((sum, { connections }) => sum + connections, 0);
  return `${restarts} restarts; ${subscribers.length} subscribers connected ${connected} times`;
}

/** Refused connections do not count: no request was sent, and a load balancer tries the next instance. */
function unanswered({ setbacks }: Report): Report['checks'][number] {
  const found = setbacks.BROKEN_CONNECTION + setbacks.BARE;
  return { what: 'posts without an answer', fault: 'FAILED', found, expected: 0 };
}
