/** One short drill against the sources. `.ci/run` runs all drills on both engines against the build. */

import { join } from 'node:path';
import { createRandom } from '../../src/cli/simulation/random';
import { createDisposal } from '../support/disposal';
import { createTempDir } from '../support/temp-dir';
import { kill } from './kill';
import { holds } from './trial/checks';

const HOOK = join(__dirname, '../cli/typescript-hook.cjs');
const MAIN = join(__dirname, '../../src/cli/main.ts');

const disposal = createDisposal();

it('kill: nothing is lost, doubled or disordered', async () => {
  const { checks, acknowledged } = await kill.hold({
    engine: 'sqlite',
    gateway: ['-r', HOOK, MAIN, 'start'],
    folder: await createTempDir(disposal),
    posts: 300,
    cycles: 1,
    awayMs: 1000,
    random: createRandom(7),
  });
  expect(checks.filter((check) => !holds(check))).toEqual([]);
  expect(acknowledged).toBeGreaterThanOrEqual(300);
}, 120_000);
