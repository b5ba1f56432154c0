/** Drills, short, against the sources. `npm run drill` holds all of them at length against what is built. */

import { join } from 'node:path';
import { createRandom } from '../../src/cli/simulation/random';
import { createDisposal } from '../support/disposal';
import { createTempDir } from '../support/temp-dir';
import { clockBack } from './clock-back';
import { kill } from './kill';
import { holds } from './trial/checks';
import { unreliableProviders } from './unreliable-providers';

const HOOK = join(__dirname, '../cli/typescript-hook.cjs');
const MAIN = join(__dirname, '../../src/cli/main.ts');

const disposal = createDisposal();

it.each([kill, clockBack, unreliableProviders])(
  '$name: nothing is lost, doubled or disordered',
  async (drill) => {
    const { checks, acknowledged } = await drill.hold({
      engine: 'sqlite',
      gateway: ['-r', HOOK, MAIN, 'start'],
      folder: await createTempDir(disposal),
      posts: 300,
      cycles: 2,
      awayMs: 1000,
      random: createRandom(7),
    });
    expect(checks.filter((check) => !holds(check))).toEqual([]);
    expect(acknowledged).toBeGreaterThanOrEqual(300);
  },
  120_000,
);
