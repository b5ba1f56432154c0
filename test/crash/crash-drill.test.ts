/** The crash drill, short, against the sources. `npm run drill:crash` holds it at length against what is built. */

import { join } from 'node:path';
import { createDisposal } from '../support/disposal';
import { createTempDir } from '../support/temp-dir';
import { holds } from './checks';
import { runCrashDrill } from './crash-drill';

const HOOK = join(__dirname, '../cli/typescript-hook.cjs');
const MAIN = join(__dirname, '../../src/cli/main.ts');

const disposal = createDisposal();

it('a gateway that is killed and started again has lost, doubled and disordered nothing', async () => {
  const { checks, kills } = await runCrashDrill({
    gateway: ['-r', HOOK, MAIN, 'start'],
    folder: await createTempDir(disposal),
    posts: 300,
    connections: 64,
    kills: 2,
    seed: 7,
  });
  expect(checks.filter((check) => !holds(check))).toEqual([]);
  expect(kills.map(({ underWay }) => underWay > 0)).toEqual([true, true]);
}, 120_000);
