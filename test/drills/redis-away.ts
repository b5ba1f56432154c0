/** Redis, over which instances wake each other, dies, freezes and comes back; subscribers are on the other instance. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createRedisServer, type RedisServer } from '../support/services/own-redis';
import { folderOf } from '../support/services/programs';
import type { Drill } from './trial/drill';
import type { Fleet } from './trial/fleet';
import { holdTrial, type Setting } from './trial/trial';

export const redisAway: Drill = {
  name: 'redis-away',
  about:
    'Redis dead or frozen for a while; who subscribes is on the instance that is not posted to',
  engines: ['postgres'],
  cycles: 2,
  postsPerCycle: 1500,
  obstacle: () =>
    folderOf('redis-server') === undefined ? 'redis-server is not installed' : undefined,
  async hold(setting) {
    const redis = await createRedisServer();
    await redis.start();
    try {
      return await holdWith(redis, setting);
    } finally {
      await redis.end();
    }
  },
};

function holdWith(redis: RedisServer, setting: Setting) {
  const { cycles, awayMs } = setting;
  const one = (fleet: Fleet) => fleet.gateways.slice(0, 1);
  const other = (fleet: Fleet) => fleet.gateways.slice(1);
  return holdTrial(
    setting,
    {
      gateways: 2,
      env: { REDIS_URL: redis.url },
      sendTo: (fleet) => one(fleet)[0] ?? fleet,
      subscribeTo: other,
      lastsMs: 1.15 * awayMs * cycles,
    },
    async ({ reach }) => {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        await reach((cycle + 0.1) / cycles);
        await (cycle % 2 === 0 ? die : freeze)(redis, awayMs);
      }
      return `gone ${cycles} times for ${awayMs / 1000} s`;
    },
  );
}

async function die(redis: RedisServer, awayMs: number): Promise<void> {
  await redis.end();
  await sleep(awayMs);
  await redis.start();
}

async function freeze(redis: RedisServer, awayMs: number): Promise<void> {
  redis.freeze();
  await sleep(awayMs);
  redis.thaw();
}
